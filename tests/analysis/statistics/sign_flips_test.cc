#include "analysis/statistics/sign_flips.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>

#include "tests/analysis/statistics/random_values.h"

namespace lens::analysis::statistics {
namespace {

constexpr std::size_t kColumns = 8;

// Differences of two draws of one skewed distribution, alike from column to
// column as layers are.
ClusterMatrix null_differences(std::uint64_t seed, std::size_t clusters) {
  const RandomStream stream(seed, "null pairs");
  std::uint64_t next = 0;
  ClusterMatrix matrix = {.columns = kColumns};
  for (std::size_t c = 0; c < clusters; ++c) {
    const std::span<double> row = matrix.add_row();
    double value = 0;
    for (double& cell : row) {
      const double first = std::pow(share(stream, next++), 3);
      const double second = std::pow(share(stream, next++), 3);
      value = 0.7 * value + second - first;
      cell = value;
    }
  }
  return matrix;
}

TEST(TestSignFlips, ClaimsAnyColumnOfNoneFiveTimesInAHundred) {
  constexpr int kRepetitions = 3000;
  int claims = 0;
  for (std::uint64_t r = 0; r < kRepetitions; ++r)
    claims +=
        test_sign_flips(null_differences(r, 20), 99, {r, "flips"}).least_p() <=
        0.05;
  const double rate = static_cast<double>(claims) / kRepetitions;
  std::printf("false positives %.2f %%\n", 100 * rate);
  EXPECT_NEAR(rate, 0.05, 0.01);
}

TEST(TestSignFlips, FindsThePlantedColumnAndNoOther) {
  ClusterMatrix matrix = null_differences(7, 60);
  for (std::size_t c = 0; c < 60; ++c) matrix.values[c * kColumns + 3] += 0.5;
  const SignFlipResult result = test_sign_flips(matrix, 999, {1, "planted"});
  for (std::size_t k = 0; k < kColumns; ++k)
    EXPECT_EQ(result.p[k] < 0.05, k == 3) << k;
  EXPECT_GT(result.t[3], 3);
}

TEST(TestSignFlips, TOfAPairedTestIsThatOfItsFormula) {
  ClusterMatrix matrix = {.columns = 1, .values = {1, 2, 4, 3, -1}};
  // Mean 1.8, standard deviation 1.923538, of its mean 0.860233.
  EXPECT_NEAR(test_sign_flips(matrix, 99, {1, "t"}).t[0], 2.092457, 1e-5);
}

TEST(TestSignFlips, OfFourPairsAllRisingTwoFlipsInSixteenAreAsLarge) {
  const ClusterMatrix matrix = {.columns = 1, .values = {1, 2, 3, 4}};
  EXPECT_NEAR(test_sign_flips(matrix, 20'000, {1, "exact"}).p[0], 2.0 / 16,
              0.01);
}

TEST(TestSignFlips, EqualPairsClaimNothing) {
  ClusterMatrix matrix = {.columns = 2, .values = std::vector<double>(40)};
  SignFlipResult result = test_sign_flips(matrix, 99, {1, "equal"});
  EXPECT_TRUE(std::isnan(result.t[0]));
  EXPECT_EQ(result.least_p(), 1);
  // One column that differs says nothing of the other.
  for (std::size_t c = 0; c < 20; ++c) matrix.values[2 * c + 1] = 1;
  result = test_sign_flips(matrix, 99, {1, "equal"});
  EXPECT_EQ(result.p[0], 1);
  EXPECT_EQ(result.p[1], 0.01);
  EXPECT_EQ(SignFlipResult().least_p(), 1);
}

}  // namespace
}  // namespace lens::analysis::statistics
