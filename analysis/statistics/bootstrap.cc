#include "analysis/statistics/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "analysis/statistics/parallel.h"

namespace lens::analysis::statistics {
namespace {

// Resamples that share one pass over the rows: their sums of some 150 columns
// stay in the second-level cache. 8 took a third longer, 128 no less.
constexpr int kTogether = 32;

// How often each of n clusters is drawn, [resample of the tile, cluster].
void count_draws(const RandomStream& stream, int begin, int end, std::size_t n,
                 std::vector<std::uint16_t>& counts) {
  // 16 bits are enough: one of n clusters is drawn about once, whatever n is.
  counts.assign(static_cast<std::size_t>(end - begin) * n, 0);
  for (int b = begin; b < end; ++b) {
    std::uint16_t* of = counts.data() + static_cast<std::size_t>(b - begin) * n;
    // Numbered by resample and draw, so that threads and tiles change nothing.
    const std::uint64_t first = static_cast<std::uint64_t>(b) * n;
    for (std::uint64_t i = 0; i < n; ++i) ++of[stream.below(n, first + i)];
  }
}

void add_times(double times, std::span<const double> row, double* sums) {
  for (std::size_t k = 0; k < row.size(); ++k) sums[k] += times * row[k];
}

void sum_tile(const ClusterMatrix& matrix,
              const std::vector<std::uint16_t>& counts, int together,
              double* sums) {
  const std::size_t n = matrix.clusters();
  for (std::size_t c = 0; c < n; ++c) {
    const auto row = matrix.row(c);
    for (int b = 0; b < together; ++b) {
      const auto tile = static_cast<std::size_t>(b);
      const std::uint16_t times = counts[tile * n + c];
      if (times > 0) add_times(times, row, sums + tile * matrix.columns);
    }
  }
}

// The fraction q of the way through `values` in order; they are rearranged.
double quantile(std::span<double> values, double q) {
  // NumPy's default: linear between neighbours.
  const double at = q * static_cast<double>(values.size() - 1);
  const auto below = values.begin() + static_cast<std::ptrdiff_t>(at);
  std::nth_element(values.begin(), below, values.end());
  if (below + 1 == values.end()) return *below;
  // Behind the place no order is left, but all are at least as large.
  const double above = *std::min_element(below + 1, values.end());
  return *below + (at - std::floor(at)) * (above - *below);
}

}  // namespace

std::vector<double> column_sums(const ClusterMatrix& matrix) {
  std::vector<double> sums(matrix.columns, 0.0);
  for (std::size_t c = 0; c < matrix.clusters(); ++c)
    add_times(1, matrix.row(c), sums.data());
  return sums;
}

std::vector<double> resampled_sums(const ClusterMatrix& matrix, int resamples,
                                   const RandomStream& stream) {
  const std::size_t n = matrix.clusters();
  if (n == 0) return {};
  std::vector<double> sums(static_cast<std::size_t>(resamples) * matrix.columns,
                           0.0);
  in_parallel(resamples, [&](int begin, int end) {
    std::vector<std::uint16_t> counts;
    for (int b = begin; b < end; b += kTogether) {
      const int stop = std::min(end, b + kTogether);
      count_draws(stream, b, stop, n, counts);
      sum_tile(matrix, counts, stop - b,
               sums.data() + static_cast<std::size_t>(b) * matrix.columns);
    }
  });
  return sums;
}

Interval percentile_interval(std::vector<double> values, double confidence) {
  const std::size_t all = values.size();
  std::erase_if(values, [](double value) { return std::isnan(value); });
  // NaN: a resample without a layer to be read off. Where most are, the others
  // are no sample of anything.
  if (values.empty() || values.size() * 2 < all) {
    constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
    return {kNan, kNan};
  }
  const double tail = (1 - confidence) / 2;
  return {quantile(values, tail), quantile(values, 1 - tail)};
}

}  // namespace lens::analysis::statistics
