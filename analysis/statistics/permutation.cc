#include "analysis/statistics/permutation.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <utility>

#include "analysis/statistics/effect_size.h"
#include "analysis/statistics/parallel.h"

namespace lens::analysis::statistics {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
// A sum of the same numbers in another order is "at least as large" too.
constexpr double kSlack = 1 - 1e-9;

// Moves the first `moved` values of a fresh copy of `values`.
void shuffle(std::span<const double> values, std::size_t moved,
             std::uint64_t permutation, const RandomStream& stream,
             std::vector<double>& shuffled) {
  shuffled.assign(values.begin(), values.end());
  const std::uint64_t n = values.size();
  // Fisher and Yates, ended early: the last group is made of whatever the
  // others have left.
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
  // The arrangement that was observed is one of them: p is never 0.
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

// Welch's statistics of values that sum to 0 and stand group by group.
class Welch {
 public:
  Welch(std::span<const std::vector<double>> groups, double least_variance,
        std::span<const ValuePair> pairs)
      : least_variance_(least_variance), pairs_(pairs) {
    for (const auto& group : groups) sizes_.push_back(group.size());
  }

  // Two groups: second minus first in standard errors.
  double t(std::span<const double> values) const {
    const auto first = values.first(sizes_[0]);
    const auto second = values.subspan(sizes_[0]);
    const Part a = part(first), b = part(second);
    const double inverse_a = 1 / static_cast<double>(first.size());
    const double inverse_b = 1 / static_cast<double>(second.size());
    double variance = a.variance * inverse_a + b.variance * inverse_b;
    if (pairs_.size() > 1) {
      // Pictures that stand in both groups let the two means rise and fall
      // together: their covariance comes off.
      double products = 0;
      for (const ValuePair pair : pairs_)
        products +=
            (first[pair.first] - a.mean) * (second[pair.second] - b.mean);
      const auto count = static_cast<double>(pairs_.size());
      variance -= 2 * products / (count - 1) * count * inverse_a * inverse_b;
    }
    variance = std::max(variance, least_variance_ * (inverse_a + inverse_b));
    return (b.mean - a.mean) / std::sqrt(variance);
  }

  // Welch (1951): a group weighs by the precision of its mean, and the
  // denominator makes up for variances that are only estimated.
  double f(std::span<const double> values) const {
    const auto groups = static_cast<double>(sizes_.size());
    std::vector<Part> parts;
    double weights = 0, weighted = 0;
    for (const std::size_t size : sizes_) {
      parts.push_back(part(values.first(size)));
      values = values.subspan(size);
      const double weight = static_cast<double>(size) / parts.back().variance;
      weights += weight;
      weighted += weight * parts.back().mean;
    }
    double between = 0, correction = 0;
    for (std::size_t g = 0; g < sizes_.size(); ++g) {
      const auto size = static_cast<double>(sizes_[g]);
      const double weight = size / parts[g].variance;
      const double apart = parts[g].mean - weighted / weights;
      const double rest = 1 - weight / weights;
      between += weight * apart * apart;
      correction += rest * rest / (size - 1);
    }
    return between / (groups - 1) /
           (1 + 2 * (groups - 2) / (groups * groups - 1) * correction);
  }

  double size(std::span<const double> values) const {
    return sizes_.size() == 2 ? std::abs(t(values)) : f(values);
  }

 private:
  struct Part {
    double mean = 0, variance = 0;
  };
  Part part(std::span<const double> values) const {
    double sum = 0, squares = 0;
    for (const double value : values) {
      sum += value;
      squares += value * value;
    }
    const auto size = static_cast<double>(values.size());
    const double variance = (squares - sum * sum / size) / (size - 1);
    return {sum / size, std::max(variance, least_variance_)};
  }

  const double least_variance_;
  const std::span<const ValuePair> pairs_;
  std::vector<std::size_t> sizes_;
};

}  // namespace

PermutationResult test_groups(std::span<const std::vector<double>> groups,
                              int permutations, const RandomStream& stream,
                              std::span<const ValuePair> pairs) {
  // Centred: sums of squares would lose their digits to a large mean.
  const std::vector<double> values = centred(joined(groups));
  const double total = inner_product(values, values);
  if (total == 0) return {.statistic = kNan, .p = 1};
  const Welch welch(groups, 1e-12 * total / static_cast<double>(values.size()),
                    pairs);
  return {.statistic = groups.size() == 2 ? welch.t(values) : welch.f(values),
          .p = permuted_p(values, values.size() - groups.back().size(),
                          permutations, stream,
                          [&](std::span<const double> arranged) {
                            return welch.size(arranged);
                          })};
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

}  // namespace lens::analysis::statistics
