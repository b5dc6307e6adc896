#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "analysis/statistics/random_stream.h"
#include "analysis/statistics/study.h"

namespace lens::analysis::statistics {

// Rows of numbers, one row to a cluster: sums over its members, which depend on
// each other and are drawn together (cluster bootstrap: Davison and Hinkley
// 1997, section 3.8). Means are sums by a column of counts.
struct ClusterMatrix {
  std::size_t columns = 0;
  std::vector<double> values = {};  // [cluster, column], no NaN

  std::size_t clusters() const {
    return columns == 0 ? 0 : values.size() / columns;
  }
  std::span<const double> row(std::size_t cluster) const {
    return std::span(values).subspan(cluster * columns, columns);
  }
  // A row of zeros at the end, to add to until the next one is added.
  std::span<double> add_row() {
    values.resize(values.size() + columns, 0.0);
    return std::span(values).last(columns);
  }
};

// [column]: sum over clusters, added in order.
std::vector<double> column_sums(const ClusterMatrix& matrix);

// Sums of resamples with replacement, [resample, column]. Resample b takes, as
// its i-th of n clusters, row stream.below(n, b * n + i). Runs on threads;
// what comes out does not depend on them. Empty where there is no cluster.
std::vector<double> resampled_sums(const ClusterMatrix& matrix, int resamples,
                                   const RandomStream& stream);

// The middle `confidence` of `values`, NaN ones left out, by linear
// interpolation between order statistics (the percentile interval). NaN where
// fewer than half of them are numbers.
Interval percentile_interval(std::vector<double> values, double confidence);

}  // namespace lens::analysis::statistics
