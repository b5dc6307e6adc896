#include "coordinator/rate_meter.h"

#include <gtest/gtest.h>

namespace lens::coordinator {
namespace {

using std::chrono::seconds;

constexpr RateMeter::TimePoint at(int second) {
  return RateMeter::TimePoint(seconds(second));
}

TEST(RateMeter, NothingDoneMeansNotKnown) {
  RateMeter meter;
  EXPECT_EQ(meter.per_second(at(5)), 0);
  meter.add(at(0), 0);
  EXPECT_EQ(meter.per_second(at(5)), 0);
}

TEST(RateMeter, SteadyWorkGivesItsRateBetweenCommitsToo) {
  RateMeter meter;
  for (int i = 0; i <= 20; ++i) meter.add(at(10 * i), 40 * i);
  EXPECT_DOUBLE_EQ(meter.per_second(at(200)), 4);
  EXPECT_DOUBLE_EQ(meter.per_second(at(209)), 4);
}

TEST(RateMeter, OnlyTheLastMinuteCounts) {
  RateMeter meter;
  for (int i = 0; i <= 100; ++i) meter.add(at(i), 100 * i);
  for (int i = 101; i <= 200; ++i) meter.add(at(i), 10'000 + (i - 100));
  EXPECT_NEAR(meter.per_second(at(200)), 1, 0.01);
}

TEST(RateMeter, SlowCommitsAreMeasuredOverMoreThanAMinute) {
  RateMeter meter;
  for (int i = 0; i <= 5; ++i) meter.add(at(90 * i), 90 * i);
  EXPECT_DOUBLE_EQ(meter.per_second(at(460)), 1);
}

TEST(RateMeter, StandstillLowersTheRate) {
  RateMeter meter;
  for (int i = 0; i <= 60; ++i) meter.add(at(i), 10 * i);
  EXPECT_LT(meter.per_second(at(400)), 5);
}

TEST(RateMeter, LostProgressIsNeverANegativeRate) {
  RateMeter meter;
  meter.add(at(0), 100);
  meter.add(at(10), 20);
  EXPECT_EQ(meter.per_second(at(10)), 0);
}

}  // namespace
}  // namespace lens::coordinator
