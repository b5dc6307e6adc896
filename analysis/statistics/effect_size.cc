#include "analysis/statistics/effect_size.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "analysis/statistics/moments.h"

namespace lens::analysis::statistics {
namespace {

Moments moments_of(std::span<const double> values) {
  Moments moments;
  for (const double value : values) moments.add(value);
  return moments;
}

}  // namespace

double mean_of(std::span<const double> values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

double inner_product(std::span<const double> x, std::span<const double> y) {
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += x[i] * y[i];
  return sum;
}

std::vector<double> average_ranks(std::span<const double> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return values[a] < values[b];
  });
  std::vector<double> ranks(values.size());
  for (std::size_t begin = 0; begin < order.size();) {
    std::size_t end = begin;
    while (end < order.size() && values[order[end]] == values[order[begin]])
      ++end;
    // Ranks begin + 1 to end.
    const double shared = static_cast<double>(begin + 1 + end) / 2;
    for (; begin < end; ++begin) ranks[order[begin]] = shared;
  }
  return ranks;
}

double cohens_d(std::span<const double> first, std::span<const double> second) {
  const Moments a = moments_of(first), b = moments_of(second);
  const double pooled = std::sqrt((a.squares + b.squares) /
                                  static_cast<double>(a.count + b.count - 2));
  return pooled > 0 ? (b.mean - a.mean) / pooled : std::nan("");
}

double eta_squared(std::span<const std::vector<double>> groups) {
  Moments all;
  double within = 0;
  for (const auto& group : groups) {
    const Moments moments = moments_of(group);
    within += moments.squares;
    all.merge(moments);
  }
  return all.squares > 0 ? 1 - within / all.squares : std::nan("");
}

}  // namespace lens::analysis::statistics
