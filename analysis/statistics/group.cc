#include "analysis/statistics/group.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "analysis/statistics/bootstrap.h"
#include "analysis/statistics/change_point.h"

namespace lens::analysis::statistics {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

using CountField = std::vector<std::int32_t> metrics::SampleRow::*;

template <auto Field>
void add_curve(const metrics::SampleRow& row, std::span<double> sums) {
  const auto& values = row.*Field;
  for (std::size_t l = 0; l < sums.size(); ++l) sums[l] += values[l];
}

// Blocks make layers from 1 on: layer 0 has none.
void add_blocks(const metrics::SampleRow& row, std::span<double> sums) {
  const std::vector<float>& values = row.image_attention;
  for (std::size_t l = 0; l < sums.size(); ++l)
    sums[l] += l == 0 || values.empty() ? kNan : values[l - 1];
}

// What is resampled, in the order of the matrix's columns: curves by layer, the
// sum of layers and the number of tokens of each kind of layer, and the number
// of samples.
struct CurveColumns {
  void (*add)(const metrics::SampleRow& row, std::span<double> sums);
  Curve Group::*target;
};
constexpr CurveColumns kCurves[] = {
    {add_curve<&metrics::SampleRow::entropy>, &Group::entropy},
    {add_curve<&metrics::SampleRow::kl_final>, &Group::kl_final},
    {add_curve<&metrics::SampleRow::log_rank>, &Group::log_rank},
    {add_curve<&metrics::SampleRow::agreement>, &Group::agreement},
    {add_curve<&metrics::SampleRow::same_answer>, &Group::same_answer},
    {add_blocks, &Group::image_attention},
};
struct LayerColumns {
  CountField field;
  LayerEstimate Group::*target;
};
constexpr LayerColumns kLayers[] = {
    {&metrics::SampleRow::onset_count, &Group::onset_of_tokens},
    {&metrics::SampleRow::drop_count, &Group::steepest_of_tokens},
    {&metrics::SampleRow::depth_count, &Group::depth_of_tokens},
    {&metrics::SampleRow::first_hit_count, &Group::first_hit_of_tokens},
};

void add_sample(const metrics::SampleRow& row, std::size_t layers,
                std::span<double> sums) {
  std::size_t column = 0;
  for (const CurveColumns& curve : kCurves) {
    curve.add(row, sums.subspan(column, layers));
    column += layers;
  }
  for (const LayerColumns& kind : kLayers) {
    const auto& counts = row.*kind.field;
    for (std::size_t l = 0; l < layers; ++l) {
      sums[column] += static_cast<double>(l) * counts[l];
      sums[column + 1] += counts[l];
    }
    column += 2;
  }
  sums[column] += 1;
}

ClusterMatrix make_matrix(std::span<const Picture> pictures,
                          std::size_t layers) {
  ClusterMatrix matrix;
  matrix.columns = std::size(kCurves) * layers + 2 * std::size(kLayers) + 1;
  matrix.values.reserve(pictures.size() * matrix.columns);
  for (const Picture picture : pictures) {
    const std::span<double> sums = matrix.add_row();
    for (const metrics::SampleRow* row : picture)
      add_sample(*row, layers, sums);
  }
  return matrix;
}

// Sums to means: divides each row by its last column, the number of samples.
void divide_by_samples(std::vector<double>& sums, std::size_t columns) {
  for (std::size_t at = 0; at < sums.size(); at += columns) {
    const double samples = sums[at + columns - 1];
    for (std::size_t k = 0; k < columns; ++k) sums[at + k] /= samples;
  }
}

// Means of the group and of its resamples, and what is derived of both.
class Estimator {
 public:
  Estimator(const SampleGroup& samples, std::span<const Picture> pictures,
            std::size_t layers, const StudyOptions& options)
      : options_(options), layers_(layers) {
    const ClusterMatrix matrix = make_matrix(pictures, layers);
    columns_ = matrix.columns;
    means_ = column_sums(matrix);
    divide_by_samples(means_, columns_);
    // A few pictures say little of how pictures differ: an interval of two
    // would hold the truth half of the time.
    if (static_cast<std::int64_t>(pictures.size()) < options.least_group)
      return;
    const RandomStream stream(
        options.seed, "bootstrap/" + samples.population.of_any_run().key());
    resampled_ = resampled_sums(matrix, options.bootstrap_resamples, stream);
    divide_by_samples(resampled_, columns_);
  }

  Curve curve(std::size_t index) const {
    Curve curve;
    for (std::size_t l = 0; l < layers_; ++l) {
      const std::size_t column = index * layers_ + l;
      const Interval band =
          interval([&](const double* means) { return means[column]; });
      curve.mean.push_back(means_[column]);
      curve.low.push_back(band.low);
      curve.high.push_back(band.high);
    }
    return curve;
  }

  // Of tokens: the sum of their layers by their number.
  LayerEstimate of_tokens(std::size_t index) const {
    const std::size_t column = std::size(kCurves) * layers_ + 2 * index;
    // Both were divided by the samples, which their ratio does not feel.
    const auto ratio = [&](const double* means) {
      return means[column] / means[column + 1];
    };
    return {.value = ratio(means_.data()), .interval = interval(ratio)};
  }

  // A layer that `find` reads off the curve of mean entropy.
  template <class Find>
  LayerEstimate of_mean(Find&& find) const {
    const auto layer = [&](const double* means) {
      return layer_number(find(std::span<const double>(means, layers_)));
    };
    return {.value = layer(means_.data()), .interval = interval(layer)};
  }

  std::vector<double> resampled_entropy() const {
    std::vector<double> entropy;
    for (std::size_t at = 0; at < resampled_.size(); at += columns_)
      entropy.insert(entropy.end(), resampled_.begin() + offset(at),
                     resampled_.begin() + offset(at + layers_));
    return entropy;
  }

 private:
  static std::ptrdiff_t offset(std::size_t at) {
    return static_cast<std::ptrdiff_t>(at);
  }

  template <class Value>
  Interval interval(Value&& value) const {
    std::vector<double> values;
    for (std::size_t at = 0; at < resampled_.size(); at += columns_)
      values.push_back(value(resampled_.data() + at));
    return percentile_interval(std::move(values), options_.confidence);
  }

  const StudyOptions& options_;
  const std::size_t layers_;
  std::size_t columns_ = 0;
  std::vector<double> means_;      // [column]
  std::vector<double> resampled_;  // [resample, column]
};

void count_layers(const SampleRefs& rows, std::size_t layers, Group& group) {
  group.onset_histogram.assign(layers, 0);
  group.depth_histogram.assign(layers, 0);
  std::int64_t with_onset = 0;
  for (const metrics::SampleRow* row : rows) {
    group.tokens += row->tokens;
    for (std::size_t l = 0; l < layers; ++l) {
      group.onset_histogram[l] += row->onset_count[l];
      group.depth_histogram[l] += row->depth_count[l];
      with_onset += row->onset_count[l];
    }
    for (const LayerColumns& kind : kLayers)
      for (const std::int32_t count : row->*kind.field)
        (group.*kind.target).count += count;
  }
  group.without_onset = group.tokens - with_onset;
}

std::vector<double> mean_shares(const SampleRefs& rows, std::size_t length) {
  std::vector<double> means(length, 0.0);
  for (const metrics::SampleRow* row : rows)
    add_curve<&metrics::SampleRow::script_share>(*row, means);
  for (double& mean : means) mean /= static_cast<double>(rows.size());
  return means;
}

void estimate_layers(const Estimator& estimator, const StudyOptions& options,
                     Group& group) {
  for (std::size_t i = 0; i < std::size(kLayers); ++i) {
    LayerEstimate& target = group.*kLayers[i].target;
    // Counted before: an estimate brings none.
    const std::int64_t count = target.count;
    target = estimator.of_tokens(i);
    target.count = count;
  }
  group.onset_of_mean = estimator.of_mean([&](std::span<const double> curve) {
    return metrics::entropy_onset(curve, options.onset);
  });
  group.steepest_of_mean = estimator.of_mean([](std::span<const double> curve) {
    return metrics::steepest_drop(curve);
  });
  group.change_point_of_mean = estimator.of_mean(
      [](std::span<const double> curve) { return change_point(curve); });
  for (LayerEstimate* estimate : {&group.onset_of_mean, &group.steepest_of_mean,
                                  &group.change_point_of_mean})
    estimate->count = group.samples;
}

}  // namespace

double layer_number(int layer) {
  return layer == metrics::kNoLayer ? kNan : static_cast<double>(layer);
}

GroupStudy study_group(const SampleGroup& samples, int layers, int scripts,
                       const StudyOptions& options) {
  const auto states = static_cast<std::size_t>(layers);
  const std::vector<Picture> pictures = pictures_of(samples.rows);
  Group group;
  group.population = samples.population;
  group.pictures = static_cast<std::int64_t>(pictures.size());
  group.samples = static_cast<std::int64_t>(samples.rows.size());
  count_layers(samples.rows, states, group);
  group.script_share =
      mean_shares(samples.rows, states * static_cast<std::size_t>(scripts));
  const Estimator estimator(samples, pictures, states, options);
  for (std::size_t i = 0; i < std::size(kCurves); ++i)
    group.*kCurves[i].target = estimator.curve(i);
  if (std::ranges::all_of(group.image_attention.mean,
                          [](double mean) { return std::isnan(mean); }))
    group.image_attention = {};
  estimate_layers(estimator, options, group);
  return {.group = std::move(group),
          .rows = samples.rows,
          .resampled_entropy = estimator.resampled_entropy()};
}

}  // namespace lens::analysis::statistics
