#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "analysis/statistics/random_stream.h"
#include "analysis/statistics/study.h"

namespace lens::analysis {

// Rows of numbers, one row to a sample.
struct SampleMatrix {
  std::size_t columns = 0;
  std::vector<double> values = {};  // [sample, column], no NaN

  std::size_t samples() const {
    return columns == 0 ? 0 : values.size() / columns;
  }
  std::span<const double> row(std::size_t sample) const {
    return std::span(values).subspan(sample * columns, columns);
  }
};

// [column]: mean over samples, added in order. NaN where there is no sample.
std::vector<double> column_means(const SampleMatrix& matrix);

// Means of resamples with replacement, [resample, column]. Resample b takes, as
// its i-th of n samples, row stream.below(n, b * n + i). Runs on threads;
// what comes out does not depend on them. Empty where there is no sample.
std::vector<double> resampled_means(const SampleMatrix& matrix, int resamples,
                                    const RandomStream& stream);

// The middle `confidence` of `values`, NaN ones left out, by linear
// interpolation between order statistics (the percentile interval). NaN where
// fewer than half of them are numbers.
Interval percentile_interval(std::vector<double> values, double confidence);

}  // namespace lens::analysis
