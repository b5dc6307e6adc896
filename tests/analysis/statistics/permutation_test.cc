#include "analysis/statistics/permutation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>

#include "tests/analysis/statistics/random_values.h"

namespace lens::analysis::statistics {
namespace {

using Groups = std::vector<std::vector<double>>;

// Groups of one distribution, a skewed one with ties.
Groups null_groups(std::uint64_t seed, const std::vector<int>& sizes) {
  const RandomStream stream(seed, "null");
  Groups groups;
  std::uint64_t index = 0;
  for (const int size : sizes) {
    groups.emplace_back();
    for (int i = 0; i < size; ++i)
      groups.back().push_back(
          std::floor(20 * std::pow(share(stream, index++), 3)));
  }
  return groups;
}

// Of 3,000 tests on data without an effect, how many claim one at 5 %. The
// standard error of the rate is 0.4 %.
template <class P>
double false_positive_rate(P&& p_of) {
  constexpr int kRepetitions = 3000;
  int positive = 0;
  for (std::uint64_t r = 0; r < kRepetitions; ++r) positive += p_of(r) <= 0.05;
  const double rate = static_cast<double>(positive) / kRepetitions;
  std::printf("false positives %.2f %%\n", 100 * rate);
  return rate;
}

TEST(TestGroups, ClaimsADifferenceOfTwoEqualsFiveTimesInAHundred) {
  EXPECT_NEAR(false_positive_rate([](std::uint64_t r) {
                return test_groups(null_groups(r, {12, 18}), 99, {r, "two"}).p;
              }),
              0.05, 0.01);
}

TEST(TestGroups, ClaimsADifferenceOfThreeEqualsFiveTimesInAHundred) {
  EXPECT_NEAR(false_positive_rate([](std::uint64_t r) {
                return test_groups(null_groups(r, {8, 15, 7}), 99, {r, "f"}).p;
              }),
              0.05, 0.01);
}

TEST(TestRelation, ClaimsOneOfNoneFiveTimesInAHundred) {
  EXPECT_NEAR(false_positive_rate([](std::uint64_t r) {
                const Groups data = null_groups(r, {25, 25});
                return test_relation(data[0], data[1], 99, {r, "rho"}).p;
              }),
              0.05, 0.01);
}

TEST(TestGroups, FindsADifference) {
  const Groups groups = {{1, 2, 3, 4, 5, 6}, {11, 12, 13, 14, 15, 16}};
  const PermutationResult result = test_groups(groups, 9999, {1, "find"});
  // 10 in standard errors: both variances are 3.5, of 6 values each.
  EXPECT_NEAR(result.statistic, 10 / std::sqrt(7.0 / 6), 1e-12);
  // 2 of the 924 ways to cut twelve values in two are as far apart.
  EXPECT_NEAR(result.p, 2.0 / 924, 0.0012);
}

TEST(TestGroups, FIsThatOfWelch) {
  // By hand: weights 3, means 2, 5 and 8: 54 / 2, by 1 + 2 / 8 * (3 * 4/9 / 2).
  const Groups groups = {{1, 2, 3}, {4, 5, 6}, {7, 8, 9}};
  EXPECT_NEAR(test_groups(groups, 99, {1, ""}).statistic, 27 / (7.0 / 6), 1e-9);
}

TEST(TestGroups, PairsMakeItThePairedT) {
  // Differences 1, 2, 1, 2: mean 1.5, standard error sqrt(1/3 / 4).
  const Groups groups = {{1, 7, 3, 9}, {2, 9, 4, 11}};
  const std::vector<ValuePair> pairs = {{0, 0}, {1, 1}, {2, 2}, {3, 3}};
  EXPECT_NEAR(test_groups(groups, 99, {1, ""}, pairs).statistic,
              1.5 / std::sqrt(1.0 / 12), 1e-12);
}

// A small group that spreads five times as wide as a large one, with no
// difference of means: shuffles of the difference itself claim one in 28 %.
TEST(TestGroups, ClaimsFiveInAHundredWhereSpreadsDiffer) {
  EXPECT_NEAR(false_positive_rate([](std::uint64_t r) {
                Groups groups = {{}, {}};
                const RandomStream stream(r, "spread");
                for (std::uint64_t i = 0; i < 15; ++i)
                  groups[0].push_back(5 * (share(stream, i) - 0.5));
                for (std::uint64_t i = 15; i < 75; ++i)
                  groups[1].push_back(share(stream, i) - 0.5);
                return test_groups(groups, 99, {r, "wide"}).p;
              }),
              0.05, 0.02);
}

TEST(TestGroups, OneValueEachIsStillFound) {
  const Groups groups = {{3, 3, 3, 3, 3, 3}, {4, 4, 4, 4, 4, 4}};
  EXPECT_NEAR(test_groups(groups, 9999, {1, "steps"}).p, 2.0 / 924, 0.0012);
}

TEST(TestGroups, EqualValuesSayNothing) {
  const PermutationResult result =
      test_groups(Groups{{3, 3, 3}, {3, 3}}, 99, {1, ""});
  EXPECT_TRUE(std::isnan(result.statistic));
  EXPECT_EQ(result.p, 1);
}

TEST(TestRelation, FindsOneAndIgnoresItsShape) {
  std::vector<double> x, y;
  for (int i = 1; i <= 30; ++i) {
    x.push_back(i);
    y.push_back(-std::exp(i));
  }
  const PermutationResult result = test_relation(x, y, 999, {1, ""});
  EXPECT_NEAR(result.statistic, -1, 1e-12);
  EXPECT_DOUBLE_EQ(result.p, 1.0 / 1000);
}

TEST(TestRelation, AConstantSaysNothing) {
  const std::vector<double> x = {1, 2, 3}, y = {4, 4, 4};
  EXPECT_TRUE(std::isnan(test_relation(x, y, 99, {1, ""}).statistic));
}

}  // namespace
}  // namespace lens::analysis::statistics
