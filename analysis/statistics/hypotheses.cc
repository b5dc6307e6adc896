#include "analysis/statistics/hypotheses.h"

#include <cmath>

#include "analysis/statistics/effect_size.h"
#include "analysis/statistics/holm.h"
#include "analysis/statistics/permutation.h"
#include "analysis/statistics/sentences.h"

namespace lens::analysis {
namespace {

constexpr const char* kQuantity = "entropy onset";

struct NamedGroup {
  std::string name;
  std::vector<double> onsets;  // of samples that have one
  LayerEstimate onset_of_mean;
};

std::vector<double> onsets_of(const SampleRefs& rows) {
  std::vector<double> onsets;
  for (const SampleRow* row : rows) {
    const double onset = mean_onset(*row);
    if (!std::isnan(onset)) onsets.push_back(onset);
  }
  return onsets;
}

LayerEstimate onset_of_mean(std::span<const Group> groups,
                            const SampleGroup& of) {
  for (const Group& group : groups)
    if (group.dataset == of.dataset && group.by == of.by &&
        group.value == of.value)
      return group.onset_of_mean;
  return {.value = std::nan("")};
}

class Examiner {
 public:
  Examiner(std::span<const Group> groups, const StudyOptions& options)
      : groups_(groups), options_(options) {}

  // Groups of too few samples are left out; no test where fewer than two stay.
  void differ(const std::string& what, std::span<const SampleGroup> samples) {
    std::vector<NamedGroup> kept;
    for (const SampleGroup& sample : samples) {
      NamedGroup group = {.name = sample.by == GroupBy::kDataset
                                      ? sample.dataset
                                      : sample.value,
                          .onsets = onsets_of(sample.rows),
                          .onset_of_mean = onset_of_mean(groups_, sample)};
      if (enough(group.onsets.size())) kept.push_back(std::move(group));
    }
    if (kept.size() < 2) return;
    add(what, kept);
  }

  void relate(const std::string& dataset, const SampleRefs& rows,
              const std::string& size_name,
              double (*size_of)(const SampleRow&)) {
    std::vector<double> sizes, onsets;
    for (const SampleRow* row : rows) {
      const double onset = mean_onset(*row), size = size_of(*row);
      if (std::isnan(onset) || size <= 0) continue;
      onsets.push_back(onset);
      sizes.push_back(size);
    }
    if (!enough(sizes.size())) return;
    Test test = start("onset and " + size_name + " of " + dataset);
    const PermutationResult result =
        test_relation(sizes, onsets, options_.permutations, stream(test));
    test.groups = {dataset};
    test.group_samples = {static_cast<std::int64_t>(onsets.size())};
    test.group_means = {mean_of(onsets)};
    test.statistic_name = test.effect_name = "Spearman rho";
    test.statistic = test.effect = result.statistic;
    test.p = result.p;
    tests_.push_back(std::move(test));
    words_.push_back({.size_name = size_name});
  }

  std::vector<Test> finish() {
    std::vector<double> p;
    for (const Test& test : tests_) p.push_back(test.p);
    const std::vector<double> adjusted = holm_adjusted(p);
    for (std::size_t i = 0; i < tests_.size(); ++i) {
      Test& test = tests_[i];
      test.p_adjusted = adjusted[i];
      test.significant = adjusted[i] < options_.significance;
      test.sentence = test_sentence(test, words_[i], tests_.size());
    }
    return std::move(tests_);
  }

 private:
  bool enough(std::size_t samples) const {
    return static_cast<std::int64_t>(samples) >= options_.least_group;
  }

  Test start(const std::string& name) const {
    if (options_.progress) options_.progress("test: " + name);
    Test test;
    test.name = name;
    test.quantity = kQuantity;
    test.permutations = options_.permutations;
    return test;
  }

  RandomStream stream(const Test& test) const {
    return {options_.seed, "permutation/" + test.name};
  }

  void add(const std::string& what, std::span<const NamedGroup> groups) {
    Test test = start("onset " + what);
    std::vector<std::vector<double>> values;
    TestWords words;
    for (const NamedGroup& group : groups) {
      test.groups.push_back(group.name);
      test.group_samples.push_back(
          static_cast<std::int64_t>(group.onsets.size()));
      test.group_means.push_back(mean_of(group.onsets));
      words.onset_of_mean.push_back(group.onset_of_mean);
      values.push_back(group.onsets);
    }
    const PermutationResult result =
        test_groups(values, options_.permutations, stream(test));
    const bool two = values.size() == 2;
    test.statistic_name = two ? "difference of means" : "F";
    test.statistic = result.statistic;
    test.effect_name = two ? "Cohen's d" : "eta squared";
    test.effect = two ? cohens_d(values[0], values[1]) : eta_squared(values);
    test.p = result.p;
    tests_.push_back(std::move(test));
    words_.push_back(std::move(words));
  }

  const std::span<const Group> groups_;
  const StudyOptions& options_;
  std::vector<Test> tests_;
  std::vector<TestWords> words_;  // [test]
};

double image_area(const SampleRow& row) {
  return static_cast<double>(row.image_height) *
         static_cast<double>(row.image_width);
}
double reference_length(const SampleRow& row) {
  return static_cast<double>(row.reference_characters);
}
double answer_length(const SampleRow& row) {
  return static_cast<double>(row.answer_tokens);
}

}  // namespace

std::vector<Test> test_hypotheses(std::span<const DatasetSamples> datasets,
                                  std::span<const Group> groups,
                                  const StudyOptions& options) {
  Examiner examiner(groups, options);
  std::vector<SampleGroup> whole;
  for (const DatasetSamples& samples : datasets)
    for (SampleGroup& group : groups_of(samples, GroupBy::kDataset))
      whole.push_back(std::move(group));
  examiner.differ("between data sets", whole);
  for (const DatasetSamples& samples : datasets) {
    const std::string& dataset = samples.dataset;
    const SampleRefs& rows = samples.rows;
    const auto split = [&](GroupBy by) { return groups_of(samples, by); };
    examiner.differ("between languages of " + dataset,
                    split(GroupBy::kLanguage));
    examiner.differ("between scripts of " + dataset, split(GroupBy::kScript));
    examiner.differ("between right and wrong answers of " + dataset,
                    split(GroupBy::kVerdict));
    examiner.relate(dataset, rows, "image area", image_area);
    examiner.relate(dataset, rows, "reference length", reference_length);
    examiner.relate(dataset, rows, "answer length", answer_length);
  }
  return examiner.finish();
}

}  // namespace lens::analysis
