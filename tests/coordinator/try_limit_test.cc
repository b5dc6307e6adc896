#include "proto/client/try_limit.h"

#include <gtest/gtest.h>

namespace lens::proto {
namespace {

using std::chrono::seconds;

constexpr seconds kLongest(32);

TEST(TryLimitTest, DoublesWithEachTryThatCameToItsEndUpToTheLongest) {
  TryLimit limit(seconds(4));
  for (const int next : {8, 16, 32, 32}) {
    limit.failed_after(limit.now(), kLongest);
    EXPECT_EQ(limit.now(), seconds(next));
  }
}

TEST(TryLimitTest, AnAttemptToConnectGivenUpCounts) {
  TryLimit limit(seconds(4));
  limit.failed_after(TryLimit::to_connect(limit.now()), kLongest);
  EXPECT_EQ(limit.now(), seconds(8));
}

TEST(TryLimitTest, StaysWhereTriesAreRefusedAtOnce) {
  TryLimit limit(seconds(4));
  for (int i = 0; i < 10; ++i) limit.failed_after(seconds(2), kLongest);
  EXPECT_EQ(limit.now(), seconds(4));
}

// Two threads waited side by side.
TEST(TryLimitTest, TriesOfTheSameTimeCountOnce) {
  TryLimit limit(seconds(4));
  limit.failed_after(seconds(4), kLongest);
  limit.failed_after(seconds(4), kLongest);
  EXPECT_EQ(limit.now(), seconds(8));
}

TEST(TryLimitTest, IsShortAgainAfterAnAnswer) {
  TryLimit limit(seconds(4));
  limit.failed_after(seconds(4), kLongest);
  limit.answered();
  EXPECT_EQ(limit.now(), seconds(4));
}

TEST(TryLimitTest, AShorterLongestHoldsAtOnce) {
  TryLimit limit(seconds(4));
  for (int i = 0; i < 3; ++i) limit.failed_after(limit.now(), kLongest);
  limit.failed_after(seconds(32), seconds(8));
  EXPECT_EQ(limit.now(), seconds(8));
}

}  // namespace
}  // namespace lens::proto
