#include "analysis/report/figure_set.h"

#include <fmt/format.h>

#include "analysis/report/study_figures.h"

namespace lens::analysis::report {
namespace {

Groups whole_datasets(const statistics::Study& study) {
  Groups groups;
  for (const statistics::Group& group : study.groups)
    if (group.population.by == GroupBy::kDataset && group.samples > 0)
      groups.push_back(&group);
  return groups;
}

Groups groups_of(const statistics::Study& study, const Population& dataset,
                 GroupBy by) {
  Groups groups;
  for (const statistics::Group& group : study.groups)
    if (group.population.by == by && group.samples > 0 &&
        group.population.whole() == dataset)
      groups.push_back(&group);
  return groups;
}

// A run may have been told not to keep it; one file may hold both kinds where
// runs are compared.
Groups with_attention(const Groups& groups) {
  Groups with;
  for (const statistics::Group* group : groups)
    if (!group->image_attention.mean.empty()) with.push_back(group);
  return with;
}

// One group is nothing to compare.
void add_attention_by(const Groups& groups, const std::string& by,
                      const Population& dataset, const StudyFigures& draw,
                      std::vector<ReportFigure>& figures) {
  const Groups with = with_attention(groups);
  if (with.size() < 2) return;
  figures.push_back(draw.attention(
      fmt::format("attention-by-{}-{}", by, dataset.file_key()),
      fmt::format("Attention on the picture by {}: {}", by, dataset.words()),
      with));
}

// The first of its kind has the plain id.
std::string numbered(const std::string& id, int count) {
  return count > 1 ? fmt::format("{}-{}", id, count) : id;
}

void add_comparisons_of_datasets(const statistics::Study& study,
                                 const StudyFigures& draw,
                                 std::vector<ReportFigure>& figures) {
  int count = 0;
  for (const statistics::Comparison& comparison : study.comparisons)
    if (comparison.first.by == GroupBy::kDataset)
      figures.push_back(
          draw.comparison(comparison, numbered("comparison", ++count)));
}

void add_comparisons_of_verdicts(const statistics::Study& study,
                                 const Population& dataset,
                                 const StudyFigures& draw,
                                 std::vector<ReportFigure>& figures) {
  const std::string id = "comparison-by-verdict-" + dataset.file_key();
  int count = 0;
  for (const statistics::Comparison& comparison : study.comparisons)
    if (comparison.first.by == GroupBy::kVerdict &&
        comparison.first.whole() == dataset)
      figures.push_back(draw.comparison(comparison, numbered(id, ++count)));
}

void add_of_dataset(const statistics::Study& study, const Population& dataset,
                    const StudyFigures& draw,
                    std::vector<ReportFigure>& figures) {
  const Groups languages = groups_of(study, dataset, GroupBy::kLanguage);
  // One language is nothing to compare.
  const bool by_language = languages.size() > 1;
  if (by_language) {
    figures.push_back(draw.entropy_by_language(dataset, languages));
    figures.push_back(draw.onset_by_language(dataset, languages));
  }
  add_comparisons_of_verdicts(study, dataset, draw, figures);
  if (by_language)
    figures.push_back(draw.scripts_by_language(dataset, languages));
  add_attention_by(languages, "language", dataset, draw, figures);
  add_attention_by(groups_of(study, dataset, GroupBy::kVerdict), "verdict",
                   dataset, draw, figures);
}

}  // namespace

std::vector<ReportFigure> make_figures(
    const statistics::Study& study,
    std::span<const metrics::SampleTable> tables, double largest_entropy) {
  std::vector<ReportFigure> figures;
  const Groups datasets = whole_datasets(study);
  if (datasets.empty()) return figures;
  const StudyFigures draw(study, tables, largest_entropy);
  for (const statistics::Group* group : datasets)
    figures.push_back(draw.entropy(*group));
  if (const Groups with = with_attention(datasets); !with.empty())
    figures.push_back(
        draw.attention("attention", "Attention on the picture by layer", with));
  add_comparisons_of_datasets(study, draw, figures);
  figures.push_back(draw.onset(datasets));
  figures.push_back(draw.early_exit(datasets));
  figures.push_back(draw.agreement(datasets));
  figures.push_back(draw.rank(datasets));
  figures.push_back(draw.distance(datasets));
  figures.push_back(draw.scripts(datasets));
  for (const statistics::Group* group : datasets)
    add_of_dataset(study, group->population, draw, figures);
  return figures;
}

}  // namespace lens::analysis::report
