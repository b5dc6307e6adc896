#include "analysis/statistics/moments.h"

#include <gtest/gtest.h>

#include <span>
#include <vector>

namespace lens::analysis::statistics {
namespace {

std::vector<double> values() {
  std::vector<double> all;
  for (int i = 0; i < 1000; ++i) all.push_back(1e6 + (i * 37 % 101) * 0.25);
  return all;
}

Moments of(std::span<const double> some) {
  Moments moments;
  for (const double value : some) moments.add(value);
  return moments;
}

TEST(Moments, AreThoseOfTheDefinition) {
  const Moments moments = of(std::vector<double>{1, 2, 4, 9});
  EXPECT_EQ(moments.count, 4);
  EXPECT_DOUBLE_EQ(moments.mean, 4);
  EXPECT_DOUBLE_EQ(moments.squares, 9 + 4 + 0 + 25);
  EXPECT_DOUBLE_EQ(moments.variance(), 38.0 / 3);
}

// However the values are cut into shards, and in whatever order these come.
TEST(Moments, MergeDoesNotDependOnTheShards) {
  const std::vector<double> all = values();
  const Moments whole = of(all);
  for (const std::size_t shards : {1u, 2u, 3u, 7u, 100u}) {
    Moments forward, backward;
    std::vector<Moments> pieces;
    for (std::size_t i = 0; i < shards; ++i)
      pieces.push_back(of(std::span(all).subspan(
          i * all.size() / shards,
          (i + 1) * all.size() / shards - i * all.size() / shards)));
    for (std::size_t i = 0; i < shards; ++i) {
      forward.merge(pieces[i]);
      backward.merge(pieces[shards - 1 - i]);
    }
    for (const Moments& merged : {forward, backward}) {
      EXPECT_EQ(merged.count, whole.count);
      EXPECT_NEAR(merged.mean, whole.mean, 1e-8);
      EXPECT_NEAR(merged.variance(), whole.variance(), 1e-8);
    }
  }
}

TEST(Moments, AnEmptyPieceChangesNothing) {
  Moments moments = of(std::vector<double>{3, 5});
  moments.merge({});
  EXPECT_EQ(moments.count, 2);
  EXPECT_EQ(moments.mean, 4);
  Moments empty;
  empty.merge(moments);
  EXPECT_EQ(empty.squares, moments.squares);
  EXPECT_TRUE(std::isnan(Moments{}.variance()));
}

}  // namespace
}  // namespace lens::analysis::statistics
