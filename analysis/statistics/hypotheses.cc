#include "analysis/statistics/hypotheses.h"

#include <cmath>

#include "analysis/statistics/effect_size.h"
#include "analysis/statistics/holm.h"
#include "analysis/statistics/permutation.h"
#include "analysis/statistics/sentences.h"

namespace lens::analysis::statistics {
namespace {

double any_size(const metrics::SampleRow&) { return 1; }

// One value to a picture that has an onset and a size: the means over its
// samples that have both. Questions of one picture are not independent, so
// pictures are what is shuffled.
struct PictureValues {
  std::vector<double> onsets, sizes;
  std::vector<std::int64_t> pictures;  // source_row
};
PictureValues values_of(const SampleRefs& rows,
                        double (*size_of)(const metrics::SampleRow&)) {
  PictureValues values;
  for (const Picture picture : pictures_of(rows)) {
    double onsets = 0, sizes = 0, count = 0;
    for (const metrics::SampleRow* row : picture) {
      const double onset = mean_onset(*row), size = size_of(*row);
      if (std::isnan(onset) || size <= 0) continue;
      onsets += onset;
      sizes += size;
      ++count;
    }
    if (count == 0) continue;
    values.onsets.push_back(onsets / count);
    values.sizes.push_back(sizes / count);
    values.pictures.push_back(picture.front()->source_row);
  }
  return values;
}

struct TestedGroup {
  Population population;
  PictureValues values;
  LayerEstimate onset_of_mean;
};

LayerEstimate onset_of_mean(std::span<const Group> groups,
                            const SampleGroup& of) {
  for (const Group& group : groups)
    if (group.population == of.population) return group.onset_of_mean;
  return {.value = std::nan("")};
}

// Pictures with samples in both groups: rows of one data set alone are the same
// picture.
std::vector<ValuePair> shared(const TestedGroup& first,
                              const TestedGroup& second) {
  if (first.population.whole() != second.population.whole()) return {};
  const auto& a = first.values.pictures;
  const auto& b = second.values.pictures;
  std::vector<ValuePair> pairs;
  // Both rise: the samples are sorted by picture.
  std::size_t j = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    while (j < b.size() && b[j] < a[i]) ++j;
    if (j < b.size() && b[j] == a[i]) pairs.push_back({i, j});
  }
  return pairs;
}

class Examiner {
 public:
  Examiner(std::span<const Group> groups, const StudyOptions& options)
      : groups_(groups), options_(options) {}

  // Groups of too few pictures are left out; no test where fewer than two stay.
  void differ(const TestKind& kind, std::span<const SampleGroup> samples) {
    std::vector<TestedGroup> kept;
    for (const SampleGroup& sample : samples) {
      TestedGroup group = {.population = sample.population,
                           .values = values_of(sample.rows, any_size),
                           .onset_of_mean = onset_of_mean(groups_, sample)};
      if (enough(group.values.onsets.size())) kept.push_back(std::move(group));
    }
    if (kept.size() < 2) return;
    add(kind, kept);
  }

  void relate(const TestKind& kind, const SampleGroup& dataset) {
    const auto [onsets, sizes, pictures] =
        values_of(dataset.rows, kind.size_of);
    if (!enough(sizes.size())) return;
    Test test = start(kind, {dataset.population});
    const PermutationResult result =
        test_relation(sizes, onsets, options_.permutations, stream(test));
    test.group_pictures = {static_cast<std::int64_t>(onsets.size())};
    test.group_means = {mean_of(onsets)};
    test.statistic = test.effect = result.statistic;
    test.p = result.p;
    tests_.push_back(std::move(test));
    onsets_of_means_.emplace_back();
  }

  // All tests of a study are one family: each one that is added makes all
  // others stricter.
  std::vector<Test> finish() {
    std::vector<double> p;
    for (const Test& test : tests_) p.push_back(test.p);
    const std::vector<double> adjusted = holm_adjusted(p);
    for (std::size_t i = 0; i < tests_.size(); ++i) {
      Test& test = tests_[i];
      test.p_adjusted = adjusted[i];
      test.significant = adjusted[i] < options_.significance;
      test.sentence = test_sentence(test, onsets_of_means_[i], tests_.size());
    }
    return std::move(tests_);
  }

 private:
  bool enough(std::size_t pictures) const {
    return static_cast<std::int64_t>(pictures) >= options_.least_group;
  }

  Test start(const TestKind& kind, std::vector<Population> populations) const {
    Test test;
    test.kind = &kind;
    test.populations = std::move(populations);
    test.permutations = options_.permutations;
    if (options_.progress) options_.progress("test: " + test.name());
    return test;
  }

  RandomStream stream(const Test& test) const {
    const Population any = test.populations.front().of_any_run();
    return {options_.seed, "permutation/" + test.kind->name(any)};
  }

  void add(const TestKind& kind, std::span<const TestedGroup> groups) {
    std::vector<Population> populations;
    for (const TestedGroup& group : groups)
      populations.push_back(group.population);
    Test test = start(kind, std::move(populations));
    std::vector<std::vector<double>> values;
    std::vector<LayerEstimate> onsets;
    for (const TestedGroup& group : groups) {
      test.group_pictures.push_back(
          static_cast<std::int64_t>(group.values.onsets.size()));
      test.group_means.push_back(mean_of(group.values.onsets));
      onsets.push_back(group.onset_of_mean);
      values.push_back(group.values.onsets);
    }
    const bool two = values.size() == 2;
    const PermutationResult result = test_groups(
        values, options_.permutations, stream(test),
        two ? shared(groups[0], groups[1]) : std::vector<ValuePair>());
    test.statistic = result.statistic;
    test.effect = two ? cohens_d(values[0], values[1]) : eta_squared(values);
    test.p = result.p;
    tests_.push_back(std::move(test));
    onsets_of_means_.push_back(std::move(onsets));
  }

  const std::span<const Group> groups_;
  const StudyOptions& options_;
  std::vector<Test> tests_;
  // [test, group], none of a relation
  std::vector<std::vector<LayerEstimate>> onsets_of_means_;
};

// The groups of one run, which follow each other.
std::vector<std::span<const SampleGroup>> by_run(
    std::span<const SampleGroup> datasets) {
  std::vector<std::span<const SampleGroup>> runs;
  while (!datasets.empty()) {
    std::size_t end = 1;
    while (end < datasets.size() &&
           datasets[end].population.run == datasets[0].population.run)
      ++end;
    runs.push_back(datasets.first(end));
    datasets = datasets.subspan(end);
  }
  return runs;
}

}  // namespace

std::vector<Test> test_hypotheses(std::span<const SampleGroup> datasets,
                                  std::span<const Group> groups,
                                  const StudyOptions& options) {
  Examiner examiner(groups, options);
  for (const std::span<const SampleGroup> run : by_run(datasets)) {
    for (const TestKind& kind : test_kinds())
      if (kind.of_run()) examiner.differ(kind, run);
    for (const SampleGroup& dataset : run)
      for (const TestKind& kind : test_kinds())
        if (kind.is_relation())
          examiner.relate(kind, dataset);
        else if (!kind.of_run())
          examiner.differ(kind, groups_of(dataset, kind.by));
  }
  return examiner.finish();
}

}  // namespace lens::analysis::statistics
