#include "analysis/statistics/effect_size.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "analysis/metrics/token_metrics.h"
#include "analysis/statistics/change_point.h"
#include "analysis/statistics/holm.h"

namespace lens::analysis::statistics {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using Values = std::vector<double>;

TEST(AverageRanks, ShareTies) {
  EXPECT_THAT(average_ranks(Values{10, 30, 20, 30, 5}),
              ElementsAre(2, 4.5, 3, 4.5, 1));
  EXPECT_THAT(average_ranks(Values{7, 7, 7}), ElementsAre(2, 2, 2));
}

TEST(CohensD, IsTheDifferenceInPooledDeviations) {
  // Variances 1 and 1, means 2 and 5.
  EXPECT_DOUBLE_EQ(cohens_d(Values{1, 2, 3}, Values{4, 5, 6}), 3);
  EXPECT_DOUBLE_EQ(cohens_d(Values{4, 5, 6}, Values{1, 2, 3}), -3);
  EXPECT_TRUE(std::isnan(cohens_d(Values{1, 1}, Values{1, 1})));
}

TEST(EtaSquared, IsTheShareBetweenGroups) {
  const std::vector<Values> groups = {{1, 2, 3}, {4, 5, 6}, {7, 8, 9}};
  EXPECT_NEAR(eta_squared(groups), 0.9, 1e-12);
  EXPECT_NEAR(eta_squared(std::vector<Values>{{1, 3}, {1, 3}}), 0, 1e-12);
}

TEST(Holm, IsStepDown) {
  EXPECT_THAT(holm_adjusted(Values{0.01, 0.04, 0.03, 0.005}),
              ElementsAre(DoubleNear(0.03, 1e-12), DoubleNear(0.06, 1e-12),
                          DoubleNear(0.06, 1e-12), DoubleNear(0.02, 1e-12)));
  EXPECT_THAT(holm_adjusted(Values{0.9, 0.8}), ElementsAre(1, 1));
  EXPECT_TRUE(holm_adjusted(Values{}).empty());
}

TEST(ChangePoint, CutsAStepWhereItIs) {
  EXPECT_EQ(change_point(Values{9, 9, 9, 9, 1, 1}), 4);
  EXPECT_EQ(change_point(Values{9, 8.5, 9.2, 4, 1.5, 1, 1.2}), 3);
  EXPECT_EQ(change_point(Values{3}), metrics::kNoLayer);
}

}  // namespace
}  // namespace lens::analysis::statistics
