#include "analysis/diff/paired_test.h"

#include <algorithm>
#include <cmath>

#include "analysis/diff/paired_words.h"
#include "analysis/statistics/effect_size.h"
#include "analysis/statistics/holm.h"
#include "analysis/statistics/sample_set.h"
#include "analysis/statistics/sign_flips.h"

namespace lens::analysis::diff {
namespace {

using metrics::SampleRow;
using statistics::ClusterMatrix;
using statistics::SignFlipResult;

double mean_depth(const SampleRow& row) {
  double sum = 0, count = 0;
  for (std::size_t l = 0; l < row.depth_count.size(); ++l) {
    sum += static_cast<double>(l) * row.depth_count[l];
    count += row.depth_count[l];
  }
  return sum / count;
}

// Of one number of a sample.
struct LayerKind {
  const char* key;
  const char* title;
  double (*of)(const SampleRow&);
};
constexpr LayerKind kLayerKinds[] = {
    {"onset", "onset layer", statistics::mean_onset},
    {"depth", "prediction depth", mean_depth},
};

// A picture's number in each run: the mean over those of its pairs that have
// one in both.
struct PictureLayers {
  std::vector<double> a, b;
};
PictureLayers layers_of(std::span<const PairedPicture> pictures,
                        double (*of)(const SampleRow&)) {
  PictureLayers layers;
  for (const PairedPicture picture : pictures) {
    double a = 0, b = 0, count = 0;
    for (const PairedSample& pair : picture) {
      const double in_a = of(*pair.a), in_b = of(*pair.b);
      if (std::isnan(in_a) || std::isnan(in_b)) continue;
      a += in_a;
      b += in_b;
      ++count;
    }
    if (count == 0) continue;
    layers.a.push_back(a / count);
    layers.b.push_back(b / count);
  }
  return layers;
}

// A row a picture: the sum over its pairs, so that samples weigh as in curves.
ClusterMatrix differences_of(std::span<const PairedPicture> pictures,
                             const CurveMeasure& measure) {
  ClusterMatrix matrix;
  for (const PairedPicture picture : pictures)
    for (const PairedSample& pair : picture) {
      const auto& a = pair.a->*measure.curve;
      const auto& b = pair.b->*measure.curve;
      matrix.columns = a.size();
      const std::span<double> sums =
          &pair == &picture.front()
              ? matrix.add_row()
              : std::span(matrix.values).last(matrix.columns);
      for (std::size_t l = 0; l < a.size(); ++l)
        sums[l] += static_cast<double>(b[l]) - static_cast<double>(a[l]);
    }
  return matrix;
}

// What a test found, until the number of tests is known.
struct OpenTest {
  PairedTest test;
  SignFlipResult result;
  std::vector<double> mean;  // difference by column
};

double largest_t(const SignFlipResult& result) {
  double largest = std::nan("");
  for (const double t : result.t)
    if (!std::isnan(t) && !(std::abs(t) <= std::abs(largest))) largest = t;
  return largest;
}

class PairTester {
 public:
  PairTester(std::span<const std::string> script_names,
             const statistics::StudyOptions& options)
      : script_names_(script_names), options_(options) {}

  void add_curve(const PairedSamples& dataset, const CurveMeasure& measure) {
    const auto pictures = pictures_of(dataset.pairs);
    if (!enough(pictures.size())) return;
    OpenTest open = start(dataset.population, std::string(measure.key),
                          std::string(measure.title));
    open.test.measure = &measure;
    const ClusterMatrix differences = differences_of(pictures, measure);
    open.mean = statistics::column_sums(differences);
    for (double& value : open.mean)
      value /= static_cast<double>(dataset.pairs.size());
    run(differences, std::move(open));
  }

  void add_layers(const PairedSamples& dataset, const LayerKind& kind) {
    const auto pictures = pictures_of(dataset.pairs);
    const PictureLayers layers = layers_of(pictures, kind.of);
    if (!enough(layers.a.size())) return;
    OpenTest open = start(dataset.population, kind.key, kind.title);
    open.test.mean_a = statistics::mean_of(layers.a);
    open.test.mean_b = statistics::mean_of(layers.b);
    ClusterMatrix differences = {.columns = 1};
    for (std::size_t i = 0; i < layers.a.size(); ++i)
      differences.values.push_back(layers.b[i] - layers.a[i]);
    run(differences, std::move(open));
  }

  std::vector<PairedTest> finish() {
    std::vector<double> p;
    for (const OpenTest& open : open_) p.push_back(open.test.p);
    const std::vector<double> adjusted = statistics::holm_adjusted(p);
    std::vector<PairedTest> tests;
    for (std::size_t i = 0; i < open_.size(); ++i) {
      PairedTest& test = open_[i].test;
      test.p_adjusted = adjusted[i];
      test.significant = adjusted[i] < options_.significance;
      if (test.significant && test.measure != nullptr) name_layers(open_[i]);
      test.sentence = test_sentence(test, script_names_);
      tests.push_back(std::move(test));
    }
    return tests;
  }

 private:
  bool enough(std::size_t pictures) const {
    return static_cast<std::int64_t>(pictures) >= options_.least_group;
  }

  OpenTest start(const Population& population, std::string key,
                 std::string title) const {
    OpenTest open;
    open.test.population = population;
    open.test.key = std::move(key);
    open.test.title = std::move(title);
    open.test.flips = options_.permutations;
    if (options_.progress)
      options_.progress("test: " + open.test.title + " of " +
                        population.words());
    return open;
  }

  void run(const ClusterMatrix& differences, OpenTest open) {
    const statistics::RandomStream stream(
        options_.seed,
        "sign flips/" + open.test.key + " of " + open.test.population.dataset);
    open.result =
        statistics::test_sign_flips(differences, options_.permutations, stream);
    open.test.pictures = static_cast<std::int64_t>(differences.clusters());
    open.test.p = open.result.least_p();
    open.test.t = largest_t(open.result);
    open_.push_back(std::move(open));
  }

  // Bonferroni over the tests: Holm's step down would be too bold here, since a
  // test that is right about one layer makes room for others of its own.
  void name_layers(OpenTest& open) const {
    PairedTest& test = open.test;
    const std::size_t scripts =
        test.measure->by_script ? script_names_.size() : 1;
    for (std::size_t k = 0; k < open.result.p.size(); ++k) {
      const double p =
          std::min(1.0, open.result.p[k] * static_cast<double>(open_.size()));
      if (!(p < options_.significance)) continue;
      test.found.push_back(
          {.layer = test.measure->first_layer + static_cast<int>(k / scripts),
           .script =
               test.measure->by_script ? static_cast<int>(k % scripts) : -1,
           .difference = open.mean[k],
           .p = p});
    }
  }

  const std::span<const std::string> script_names_;
  const statistics::StudyOptions& options_;
  std::vector<OpenTest> open_;
};

}  // namespace

std::vector<PairedTest> test_pairs(
    std::span<const PairedSamples> datasets,
    std::span<const CurveMeasure* const> measures,
    std::span<const std::string> script_names,
    const statistics::StudyOptions& options) {
  PairTester tester(script_names, options);
  for (const PairedSamples& dataset : datasets) {
    for (const CurveMeasure* measure : measures)
      tester.add_curve(dataset, *measure);
    for (const LayerKind& kind : kLayerKinds) tester.add_layers(dataset, kind);
  }
  return tester.finish();
}

}  // namespace lens::analysis::diff
