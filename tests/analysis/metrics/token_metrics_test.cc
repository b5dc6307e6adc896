#include "analysis/metrics/token_metrics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace lens::analysis::metrics {
namespace {

int onset(const std::vector<double>& entropy, const OnsetRule& rule = {}) {
  return entropy_onset(std::span<const double>(entropy), rule);
}
int drop(const std::vector<double>& entropy) {
  return steepest_drop(std::span<const double>(entropy));
}
int depth(const std::vector<std::int32_t>& top) {
  return prediction_depth(top);
}

TEST(EntropyOnset, IsTheFirstLayerBelowHalfOfTheFall) {
  EXPECT_EQ(onset({8, 8, 8, 3, 1, 0}), 3);
  EXPECT_EQ(onset({8, 8, 8, 5, 4, 0}), 4);
}

TEST(EntropyOnset, ALayerThatRisesAgainDoesNotCount) {
  EXPECT_EQ(onset({8, 8, 2, 7, 2, 1, 0}), 4);
}

TEST(EntropyOnset, ComesAfterTheLastPeak) {
  // The low start is before the peak.
  EXPECT_EQ(onset({0, 0, 8, 1, 0}), 3);
  EXPECT_EQ(onset({8, 0, 8, 0, 0}), 3);
}

TEST(EntropyOnset, ASmallFallIsNone) {
  EXPECT_EQ(onset({1, 0.9, 0.2}), kNoLayer);
  EXPECT_EQ(onset({1, 0.9, 0.2}, {.least_range_nats = 0.5}), 2);
  EXPECT_EQ(onset({0, 4, 8}), kNoLayer);
  EXPECT_EQ(onset({8, 8, 8}, {.least_range_nats = 0}), kNoLayer);
}

TEST(EntropyOnset, FractionMovesIt) {
  const std::vector<double> curve = {10, 9, 7, 5, 3, 1, 0};
  EXPECT_EQ(onset(curve, {.fraction = 0.9}), 1);
  EXPECT_EQ(onset(curve, {.fraction = 0.5}), 3);
  EXPECT_EQ(onset(curve, {.fraction = 0.1}), 5);
}

TEST(EntropyOnset, NanIsNone) {
  EXPECT_EQ(onset({8, std::nan(""), 0}), kNoLayer);
  EXPECT_EQ(onset({}), kNoLayer);
}

TEST(EntropyOnset, FloatAndDoubleAgree) {
  const std::vector<float> curve = {8, 7.5f, 3, 1, 0.5f};
  EXPECT_EQ(entropy_onset(std::span<const float>(curve), {}), 2);
}

TEST(SteepestDrop, IsTheFirstLargestFall) {
  EXPECT_EQ(drop({5, 4, 1, 0}), 2);
  EXPECT_EQ(drop({6, 4, 2, 0}), 1);
  EXPECT_EQ(drop({1, 2, 3}), kNoLayer);
  EXPECT_EQ(drop({1}), kNoLayer);
}

TEST(PredictionDepth, IsWhereTheTopTokenStays) {
  EXPECT_EQ(depth({7, 9, 7, 7}), 2);
  EXPECT_EQ(depth({7, 7, 7, 7}), 0);
  EXPECT_EQ(depth({1, 2, 3, 4}), 3);
}

TEST(FirstHit, IsNotLaterThanTheDepth) {
  const std::vector<std::int32_t> top = {7, 9, 7, 7};
  EXPECT_EQ(first_hit(top, 7), 0);
  EXPECT_EQ(first_hit(top, 9), 1);
  EXPECT_EQ(first_hit(top, 5), kNoLayer);
}

}  // namespace
}  // namespace lens::analysis::metrics
