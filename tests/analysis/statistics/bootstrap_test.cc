#include "analysis/statistics/bootstrap.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>

#include "tests/analysis/statistics/random_values.h"

namespace lens::analysis::statistics {
namespace {

// The scheme is written down in docs/metrics.md: others repeat it.
TEST(RandomStream, IsSplitMix64) {
  // First number of SplitMix64 begun at 0.
  EXPECT_EQ(RandomStream(0xCBF29CE484222325u, "").bits(0), 0xE220A8397B1DCDAFu);
}

TEST(RandomStream, StreamsOfOtherNamesDiffer) {
  EXPECT_NE(RandomStream(1, "a").bits(0), RandomStream(1, "b").bits(0));
  EXPECT_NE(RandomStream(1, "a").bits(0), RandomStream(2, "a").bits(0));
}

TEST(RandomStream, BelowIsEven) {
  const RandomStream stream(1, "even");
  std::vector<int> counts(10, 0);
  for (std::uint64_t i = 0; i < 100000; ++i) ++counts[stream.below(10, i)];
  for (const int count : counts) EXPECT_NEAR(count, 10000, 400);
}

TEST(ResampledSums, FollowTheWrittenScheme) {
  const ClusterMatrix matrix = {.columns = 2, .values = {1, 10, 2, 20, 4, 40}};
  const RandomStream stream(7, "scheme");
  const std::vector<double> sums = resampled_sums(matrix, 50, stream);
  ASSERT_EQ(sums.size(), 100u);
  for (std::uint64_t b = 0; b < 50; ++b) {
    double sum = 0;
    for (std::uint64_t i = 0; i < 3; ++i)
      sum += matrix.values[2 * stream.below(3, b * 3 + i)];
    EXPECT_NEAR(sums[2 * b], sum, 1e-12);
    EXPECT_NEAR(sums[2 * b + 1], 10 * sum, 1e-12);
  }
}

TEST(ResampledSums, OfNoClusterAreNone) {
  EXPECT_TRUE(resampled_sums({.columns = 3}, 10, {1, ""}).empty());
}

TEST(PercentileInterval, InterpolatesBetweenOrderStatistics) {
  std::vector<double> values;
  for (int i = 100; i >= 0; --i) values.push_back(i);
  const Interval interval = percentile_interval(values, 0.95);
  EXPECT_NEAR(interval.low, 2.5, 1e-12);
  EXPECT_NEAR(interval.high, 97.5, 1e-12);
}

TEST(PercentileInterval, NeedsHalfOfTheValues) {
  const double nan = std::nan("");
  EXPECT_EQ(percentile_interval({nan, 3, 3}, 0.95).low, 3);
  EXPECT_TRUE(std::isnan(percentile_interval({nan, nan, 3}, 0.95).low));
  EXPECT_TRUE(std::isnan(percentile_interval({}, 0.95).high));
}

// A mean with its interval is a sum by a count.
Interval interval_of_mean(const ClusterMatrix& sums_and_counts, int resamples,
                          const RandomStream& stream) {
  const std::vector<double> sums =
      resampled_sums(sums_and_counts, resamples, stream);
  std::vector<double> means;
  for (std::size_t at = 0; at < sums.size(); at += 2)
    means.push_back(sums[at] / sums[at + 1]);
  return percentile_interval(std::move(means), 0.95);
}

void add_cluster(ClusterMatrix& matrix, double sum, double count) {
  const std::span<double> row = matrix.add_row();
  row[0] = sum;
  row[1] = count;
}

// How often the interval of what `draw` gives, by seed, holds the true mean 5.
template <class Draw>
double coverage(Draw&& draw) {
  constexpr int kRepetitions = 1500;
  int covered = 0;
  for (std::uint64_t r = 0; r < kRepetitions; ++r) {
    const Interval interval = interval_of_mean(draw(r), 400, {r, "boot"});
    covered += interval.low <= 5 && 5 <= interval.high;
  }
  const double rate = static_cast<double>(covered) / kRepetitions;
  std::printf("coverage %.1f %%\n", 100 * rate);
  return rate;
}

// The 95 % interval of a mean holds the truth in some 95 of 100 repetitions:
// with 80 samples a percentile interval is a little narrow (94 %).
TEST(PercentileInterval, CoversTheTruthAsOftenAsItSays) {
  const double rate = coverage([](std::uint64_t seed) {
    const RandomStream data(seed, "data");
    ClusterMatrix matrix = {.columns = 2};
    for (std::uint64_t i = 0; i < 80; ++i)
      add_cluster(matrix, 5 + normal(data, i), 1);
    return matrix;
  });
  EXPECT_GT(rate, 0.93);
  EXPECT_LT(rate, 0.97);
}

// 80 pictures with one to five questions that share half of their variance.
// Drawn one by one the same questions promise too much.
TEST(PercentileInterval, CoversTheTruthWhereMembersOfAClusterAreAlike) {
  const auto pictures = [](std::uint64_t seed, bool together) {
    const RandomStream data(seed, "clusters");
    ClusterMatrix matrix = {.columns = 2};
    for (std::uint64_t i = 0; i < 80; ++i) {
      const double shared = 5 + normal(data, 10 * i);
      const std::uint64_t questions = 1 + i % 5;
      double sum = 0;
      for (std::uint64_t q = 1; q <= questions; ++q) {
        const double value = shared + normal(data, 10 * i + q);
        sum += value;
        if (!together) add_cluster(matrix, value, 1);
      }
      if (together) add_cluster(matrix, sum, static_cast<double>(questions));
    }
    return matrix;
  };
  const double rate =
      coverage([&](std::uint64_t seed) { return pictures(seed, true); });
  EXPECT_GT(rate, 0.92);
  EXPECT_LT(rate, 0.97);
  EXPECT_LT(coverage([&](std::uint64_t seed) { return pictures(seed, false); }),
            0.88);
}

// Known width: the interval of a mean of n normal values is 2 * 1.96 / sqrt(n).
TEST(PercentileInterval, HasTheWidthOfTheNormalOne) {
  ClusterMatrix matrix = {.columns = 2};
  const RandomStream data(3, "width");
  for (std::uint64_t i = 0; i < 2000; ++i)
    add_cluster(matrix, normal(data, i), 1);
  const Interval interval = interval_of_mean(matrix, 4000, {1, "width"});
  EXPECT_NEAR(interval.high - interval.low, 2 * 1.96 / std::sqrt(2000), 0.006);
}

}  // namespace
}  // namespace lens::analysis::statistics
