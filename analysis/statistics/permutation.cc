#include "analysis/statistics/permutation.h"

#include <atomic>
#include <cmath>
#include <limits>
#include <utility>

#include "analysis/statistics/effect_size.h"
#include "analysis/statistics/parallel.h"

namespace lens::analysis {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
// A sum of the same numbers in another order is "at least as large" too.
constexpr double kSlack = 1 - 1e-12;

// Moves the first `moved` values of a fresh copy of `values`.
void shuffle(std::span<const double> values, std::size_t moved,
             std::uint64_t permutation, const RandomStream& stream,
             std::vector<double>& shuffled) {
  shuffled.assign(values.begin(), values.end());
  const std::uint64_t n = values.size();
  for (std::uint64_t i = 0; i < moved; ++i) {
    const std::uint64_t j = i + stream.below(n - i, permutation * n + i);
    std::swap(shuffled[i], shuffled[j]);
  }
}

// p of `size_of`, a function of the arranged values that grows with what is
// tested.
template <class SizeOf>
double permuted_p(std::span<const double> values, std::size_t moved,
                  int permutations, const RandomStream& stream,
                  SizeOf&& size_of) {
  const double observed = size_of(values) * kSlack;
  std::atomic<int> as_large = 0;
  in_parallel(permutations, [&](int begin, int end) {
    std::vector<double> shuffled;
    int found = 0;
    for (int q = begin; q < end; ++q) {
      shuffle(values, moved, static_cast<std::uint64_t>(q), stream, shuffled);
      if (size_of(shuffled) >= observed) ++found;
    }
    as_large += found;
  });
  return (1.0 + as_large) / (1.0 + permutations);
}

std::vector<double> joined(std::span<const std::vector<double>> groups) {
  std::vector<double> values;
  for (const auto& group : groups)
    values.insert(values.end(), group.begin(), group.end());
  return values;
}

std::vector<double> centred(std::vector<double> values) {
  const double mean = mean_of(values);
  for (double& value : values) value -= mean;
  return values;
}

// Sum of squares between groups of values that sum to 0.
double between_groups(std::span<const double> values,
                      std::span<const std::vector<double>> groups) {
  double squares = 0, left = 0;
  std::size_t at = 0;
  for (std::size_t g = 0; g + 1 < groups.size(); ++g) {
    double sum = 0;
    for (const std::size_t end = at + groups[g].size(); at < end; ++at)
      sum += values[at];
    squares += sum * sum / static_cast<double>(groups[g].size());
    left -= sum;
  }
  return squares + left * left / static_cast<double>(groups.back().size());
}

double f_statistic(double between, double total, std::size_t groups,
                   std::size_t n) {
  return between / static_cast<double>(groups - 1) /
         ((total - between) / static_cast<double>(n - groups));
}

}  // namespace

PermutationResult test_groups(std::span<const std::vector<double>> groups,
                              int permutations, const RandomStream& stream) {
  const std::vector<double> values = centred(joined(groups));
  double total = 0;
  for (const double value : values) total += value * value;
  if (total == 0) return {.statistic = kNan, .p = 1};
  const auto size_of = [&](std::span<const double> arranged) {
    return between_groups(arranged, groups);
  };
  PermutationResult result;
  result.statistic =
      groups.size() == 2
          ? mean_of(groups[1]) - mean_of(groups[0])
          : f_statistic(size_of(values), total, groups.size(), values.size());
  result.p = permuted_p(values, values.size() - groups.back().size(),
                        permutations, stream, size_of);
  return result;
}

PermutationResult test_relation(std::span<const double> x,
                                std::span<const double> y, int permutations,
                                const RandomStream& stream) {
  const std::vector<double> of_x = centred(average_ranks(x));
  const std::vector<double> of_y = centred(average_ranks(y));
  const double scale = std::sqrt(inner_product(of_x, of_x)) *
                       std::sqrt(inner_product(of_y, of_y));
  if (!(scale > 0)) return {.statistic = kNan, .p = 1};
  const auto size_of = [&](std::span<const double> arranged) {
    return std::abs(inner_product(of_x, arranged));
  };
  return {
      .statistic = inner_product(of_x, of_y) / scale,
      .p = permuted_p(of_y, of_y.size() - 1, permutations, stream, size_of)};
}

}  // namespace lens::analysis
