#include "analysis/statistics/make_study.h"

#include <fmt/format.h>

#include "analysis/statistics/answers.h"
#include "analysis/statistics/comparison.h"
#include "analysis/statistics/group.h"
#include "analysis/statistics/hypotheses.h"
#include "analysis/statistics/sample_set.h"

namespace lens::analysis::statistics {
namespace {

std::vector<GroupStudy> study_groups(std::span<const SampleGroup> datasets,
                                     const Study& study) {
  const auto scripts = static_cast<int>(study.script_names.size());
  std::vector<GroupStudy> groups;
  for (const SampleGroup& samples : datasets) {
    for (const GroupBy by : {GroupBy::kDataset, GroupBy::kLanguage,
                             GroupBy::kScript, GroupBy::kVerdict}) {
      for (const SampleGroup& group : groups_of(samples, by)) {
        if (study.options.progress)
          study.options.progress("group: " + group.population.words());
        groups.push_back(
            study_group(group, study.layers, scripts, study.options));
      }
    }
  }
  return groups;
}

}  // namespace

Study make_study(std::span<const metrics::SampleTable> tables,
                 const StudyOptions& options) {
  Study study;
  study.options = options;
  const auto datasets = samples_by_dataset(tables, options.onset);
  if (!tables.empty()) {
    study.layers = tables.front().layers;
    study.script_names = tables.front().script_names;
  }
  std::vector<GroupStudy> groups = study_groups(datasets, study);
  study.comparisons = compare_groups(groups, study.layers, options);
  for (GroupStudy& group : groups)
    study.groups.push_back(std::move(group.group));
  study.tests = test_hypotheses(datasets, study.groups, options);
  study.answers = answer_questions(study);
  return study;
}

}  // namespace lens::analysis::statistics
