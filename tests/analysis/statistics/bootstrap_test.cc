#include "analysis/statistics/bootstrap.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>

namespace lens::analysis {
namespace {

double share(const RandomStream& stream, std::uint64_t index) {
  return static_cast<double>(stream.bits(index) >> 11) * 0x1p-53;
}

// Normal by Box and Muller.
double normal(const RandomStream& stream, std::uint64_t index) {
  return std::sqrt(-2 * std::log(1 - share(stream, 2 * index))) *
         std::cos(2 * M_PI * share(stream, 2 * index + 1));
}

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

TEST(ResampledMeans, FollowTheWrittenScheme) {
  const SampleMatrix matrix = {.columns = 2, .values = {1, 10, 2, 20, 4, 40}};
  const RandomStream stream(7, "scheme");
  const std::vector<double> means = resampled_means(matrix, 50, stream);
  ASSERT_EQ(means.size(), 100u);
  for (std::uint64_t b = 0; b < 50; ++b) {
    double sum = 0;
    for (std::uint64_t i = 0; i < 3; ++i)
      sum += matrix.values[2 * stream.below(3, b * 3 + i)];
    EXPECT_NEAR(means[2 * b], sum / 3, 1e-12);
    EXPECT_NEAR(means[2 * b + 1], 10 * sum / 3, 1e-12);
  }
}

TEST(ResampledMeans, OfNoSampleAreNone) {
  EXPECT_TRUE(resampled_means({.columns = 3}, 10, {1, ""}).empty());
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

// The 95 % interval of a mean holds the truth in some 95 of 100 repetitions:
// with 80 samples a percentile interval is a little narrow (94 %).
TEST(PercentileInterval, CoversTheTruthAsOftenAsItSays) {
  constexpr int kRepetitions = 1500, kSamples = 80;
  int covered = 0;
  for (int r = 0; r < kRepetitions; ++r) {
    const RandomStream data(static_cast<std::uint64_t>(r), "data");
    SampleMatrix matrix = {.columns = 1};
    for (int i = 0; i < kSamples; ++i)
      matrix.values.push_back(5 + normal(data, static_cast<std::uint64_t>(i)));
    const Interval interval = percentile_interval(
        resampled_means(matrix, 400, {static_cast<std::uint64_t>(r), "boot"}),
        0.95);
    covered += interval.low <= 5 && 5 <= interval.high;
  }
  const double rate = static_cast<double>(covered) / kRepetitions;

  std::printf("coverage %.1f %%\n", 100 * rate);
  EXPECT_GT(rate, 0.93);
  EXPECT_LT(rate, 0.97);
}

// Known width: the interval of a mean of n normal values is 2 * 1.96 / sqrt(n).
TEST(PercentileInterval, HasTheWidthOfTheNormalOne) {
  SampleMatrix matrix = {.columns = 1};
  const RandomStream data(3, "width");
  for (std::uint64_t i = 0; i < 2000; ++i)
    matrix.values.push_back(normal(data, i));
  const Interval interval =
      percentile_interval(resampled_means(matrix, 4000, {1, "width"}), 0.95);
  EXPECT_NEAR(interval.high - interval.low, 2 * 1.96 / std::sqrt(2000), 0.006);
}

}  // namespace
}  // namespace lens::analysis
