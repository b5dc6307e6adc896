#include "analysis/diff/paired_group.h"

#include <cmath>
#include <limits>

#include "analysis/statistics/bootstrap.h"
#include "analysis/statistics/group.h"

namespace lens::analysis::diff {
namespace {

using metrics::SampleRow;
using statistics::ClusterMatrix;
using statistics::LayerEstimate;

using CountField = std::vector<std::int32_t> SampleRow::*;
struct LayerColumns {
  CountField field;
  PairedNumber PairedGroup::*target;
};
constexpr LayerColumns kLayers[] = {
    {&SampleRow::onset_count, &PairedGroup::onset_of_tokens},
    {&SampleRow::depth_count, &PairedGroup::depth_of_tokens},
    {&SampleRow::first_hit_count, &PairedGroup::first_hit_of_tokens},
};

// Where the sums of one run stand in a row of the matrix: its curves, the sum
// of layers and the number of tokens of each kind of layer, the score. The run
// B follows A; the numbers of pairs and of those with a score end the row.
class Columns {
 public:
  Columns(const SampleRow& like,
          std::span<const CurveMeasure* const> measures) {
    for (const CurveMeasure* measure : measures) {
      begins_.push_back(side_);
      side_ += (like.*measure->curve).size();
    }
    layers_ = side_;
    side_ += 2 * std::size(kLayers) + 1;
  }

  std::size_t side() const { return side_; }
  std::size_t all() const { return 2 * side_ + 2; }
  std::size_t curve(std::size_t index) const { return begins_[index]; }
  std::size_t layer(std::size_t index) const { return layers_ + 2 * index; }
  std::size_t score() const { return side_ - 1; }
  std::size_t pairs() const { return 2 * side_; }
  std::size_t scored() const { return 2 * side_ + 1; }

 private:
  std::vector<std::size_t> begins_;
  std::size_t layers_ = 0, side_ = 0;
};

bool is_scored(const PairedSample& pair) {
  return !std::isnan(pair.a->score) && !std::isnan(pair.b->score);
}

void add_run(const SampleRow& row, bool scored,
             std::span<const CurveMeasure* const> measures,
             const Columns& columns, std::span<double> sums) {
  for (std::size_t m = 0; m < measures.size(); ++m) {
    const std::vector<float>& curve = row.*measures[m]->curve;
    for (std::size_t l = 0; l < curve.size(); ++l)
      sums[columns.curve(m) + l] += curve[l];
  }
  for (std::size_t i = 0; i < std::size(kLayers); ++i) {
    const auto& counts = row.*kLayers[i].field;
    for (std::size_t l = 0; l < counts.size(); ++l) {
      sums[columns.layer(i)] += static_cast<double>(l) * counts[l];
      sums[columns.layer(i) + 1] += counts[l];
    }
  }
  if (scored) sums[columns.score()] += row.score;
}

ClusterMatrix make_matrix(std::span<const PairedPicture> pictures,
                          std::span<const CurveMeasure* const> measures,
                          const Columns& columns) {
  ClusterMatrix matrix = {.columns = columns.all()};
  matrix.values.reserve(pictures.size() * matrix.columns);
  for (const PairedPicture picture : pictures) {
    const std::span<double> sums = matrix.add_row();
    for (const PairedSample& pair : picture) {
      const bool scored = is_scored(pair);
      add_run(*pair.a, scored, measures, columns, sums.first(columns.side()));
      add_run(*pair.b, scored, measures, columns,
              sums.subspan(columns.side(), columns.side()));
      sums[columns.pairs()] += 1;
      sums[columns.scored()] += scored ? 1 : 0;
    }
  }
  return matrix;
}

// Numbers of both runs and their difference, of all pairs and of resamples.
class Estimator {
 public:
  Estimator(const PairedSamples& samples,
            std::span<const PairedPicture> pictures,
            std::span<const CurveMeasure* const> measures,
            const Columns& columns, const statistics::StudyOptions& options)
      : options_(options), columns_(columns) {
    const ClusterMatrix matrix = make_matrix(pictures, measures, columns);
    sums_ = statistics::column_sums(matrix);
    if (static_cast<std::int64_t>(pictures.size()) < options.least_group)
      return;
    // The stream of lens stats: two runs over one data set draw the same
    // pictures, together or apart.
    const statistics::RandomStream stream(
        options.seed, "bootstrap/" + samples.population.of_any_run().key());
    resampled_ =
        statistics::resampled_sums(matrix, options.bootstrap_resamples, stream);
  }

  // `value` takes the sums of one run and of the counts.
  template <class Value>
  PairedNumber number(Value&& value) const {
    const auto of_a = [&](const double* sums) {
      return value(sums, sums + columns_.pairs());
    };
    const auto of_b = [&](const double* sums) {
      return value(sums + columns_.side(), sums + columns_.pairs());
    };
    const auto apart = [&](const double* sums) {
      return of_b(sums) - of_a(sums);
    };
    return {estimate(of_a), estimate(of_b), estimate(apart)};
  }

  PairedCurve curve(const CurveMeasure& measure, std::size_t index,
                    std::size_t length) const {
    PairedCurve paired = {
        .measure = &measure, .a = {}, .b = {}, .difference = {}};
    for (std::size_t l = 0; l < length; ++l) {
      const std::size_t column = columns_.curve(index) + l;
      const PairedNumber at =
          number([column](const double* sums, const double* counts) {
            return sums[column] / counts[0];
          });
      append(at.a, paired.a);
      append(at.b, paired.b);
      append(at.difference, paired.difference);
    }
    return paired;
  }

  PairedNumber of_tokens(std::size_t index) const {
    const std::size_t column = columns_.layer(index);
    return number([column](const double* sums, const double*) {
      return sums[column] / sums[column + 1];
    });
  }

  PairedNumber score() const {
    return number(
        [at = columns_.score()](const double* sums, const double* counts) {
          return sums[at] / counts[1];
        });
  }

  // Of the mean entropy, whose columns begin at `begin`.
  PairedNumber onset_of_mean(std::size_t begin, std::size_t layers) const {
    return number([&](const double* sums, const double* counts) {
      std::vector<double> mean(sums + begin, sums + begin + layers);
      for (double& value : mean) value /= counts[0];
      return statistics::layer_number(metrics::entropy_onset(
          std::span<const double>(mean), options_.onset));
    });
  }

 private:
  static void append(const LayerEstimate& at, statistics::Curve& curve) {
    curve.mean.push_back(at.value);
    curve.low.push_back(at.interval.low);
    curve.high.push_back(at.interval.high);
  }

  template <class Value>
  LayerEstimate estimate(Value&& value) const {
    std::vector<double> values;
    for (std::size_t at = 0; at < resampled_.size(); at += columns_.all())
      values.push_back(value(resampled_.data() + at));
    return {.value = value(sums_.data()),
            .interval = statistics::percentile_interval(std::move(values),
                                                        options_.confidence)};
  }

  const statistics::StudyOptions& options_;
  const Columns& columns_;
  std::vector<double> sums_;       // [column]
  std::vector<double> resampled_;  // [resample, column]
};

PairedNumber no_number() {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  const LayerEstimate none = {.value = kNan, .interval = {kNan, kNan}};
  return {none, none, none};
}

}  // namespace

PairedGroup study_pairs(const PairedSamples& samples,
                        std::span<const CurveMeasure* const> measures,
                        const statistics::StudyOptions& options) {
  const std::vector<PairedPicture> pictures = pictures_of(samples.pairs);
  const SampleRow& like = *samples.pairs.front().a;
  const Columns columns(like, measures);
  const Estimator estimator(samples, pictures, measures, columns, options);
  PairedGroup group;
  group.population = samples.population;
  group.pictures = static_cast<std::int64_t>(pictures.size());
  group.pairs = static_cast<std::int64_t>(samples.pairs.size());
  for (const PairedSample& pair : samples.pairs) group.tokens += pair.a->tokens;
  group.onset_of_mean = no_number();
  for (std::size_t m = 0; m < measures.size(); ++m) {
    const std::size_t length = (like.*measures[m]->curve).size();
    group.curves.push_back(estimator.curve(*measures[m], m, length));
    if (measures[m]->curve == &SampleRow::entropy)
      group.onset_of_mean = estimator.onset_of_mean(columns.curve(m), length);
  }
  for (std::size_t i = 0; i < std::size(kLayers); ++i)
    group.*kLayers[i].target = estimator.of_tokens(i);
  group.score = estimator.score();
  return group;
}

}  // namespace lens::analysis::diff
