#include "analysis/statistics/hypotheses.h"

#include <cmath>

#include "analysis/statistics/effect_size.h"
#include "analysis/statistics/holm.h"
#include "analysis/statistics/permutation.h"
#include "analysis/statistics/sentences.h"

namespace lens::analysis::statistics {
namespace {

constexpr const char* kQuantity = "entropy onset";

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
  void differ(const std::string& what, std::span<const SampleGroup> samples) {
    std::vector<TestedGroup> kept;
    for (const SampleGroup& sample : samples) {
      TestedGroup group = {.population = sample.population,
                           .values = values_of(sample.rows, any_size),
                           .onset_of_mean = onset_of_mean(groups_, sample)};
      if (enough(group.values.onsets.size())) kept.push_back(std::move(group));
    }
    if (kept.size() < 2) return;
    add(what, kept);
  }

  void relate(const std::string& dataset, const SampleRefs& rows,
              const std::string& size_name,
              double (*size_of)(const metrics::SampleRow&)) {
    const auto [onsets, sizes, pictures] = values_of(rows, size_of);
    if (!enough(sizes.size())) return;
    Test test = start("onset and " + size_name + " of " + dataset);
    const PermutationResult result =
        test_relation(sizes, onsets, options_.permutations, stream(test));
    test.groups = {dataset};
    test.group_pictures = {static_cast<std::int64_t>(onsets.size())};
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
  bool enough(std::size_t pictures) const {
    return static_cast<std::int64_t>(pictures) >= options_.least_group;
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

  void add(const std::string& what, std::span<const TestedGroup> groups) {
    Test test = start("onset " + what);
    std::vector<std::vector<double>> values;
    TestWords words;
    for (const TestedGroup& group : groups) {
      test.groups.push_back(group.population.short_words());
      test.group_pictures.push_back(
          static_cast<std::int64_t>(group.values.onsets.size()));
      test.group_means.push_back(mean_of(group.values.onsets));
      words.onset_of_mean.push_back(group.onset_of_mean);
      values.push_back(group.values.onsets);
    }
    const bool two = values.size() == 2;
    const PermutationResult result = test_groups(
        values, options_.permutations, stream(test),
        two ? shared(groups[0], groups[1]) : std::vector<ValuePair>());
    test.statistic_name = two ? "Welch's t" : "Welch's F";
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

double image_area(const metrics::SampleRow& row) {
  return static_cast<double>(row.image_height) *
         static_cast<double>(row.image_width);
}
double reference_length(const metrics::SampleRow& row) {
  return static_cast<double>(row.reference_characters);
}
double answer_length(const metrics::SampleRow& row) {
  return static_cast<double>(row.answer_tokens);
}

}  // namespace

std::vector<Test> test_hypotheses(std::span<const SampleGroup> datasets,
                                  std::span<const Group> groups,
                                  const StudyOptions& options) {
  Examiner examiner(groups, options);
  examiner.differ("between data sets", datasets);
  for (const SampleGroup& samples : datasets) {
    const std::string& dataset = samples.population.dataset;
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

}  // namespace lens::analysis::statistics
