#include "cli/drain_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lens::cli {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class DrainWatchTest : public testing::Test {
 protected:
  RunStatus in_work(std::int64_t samples) const {
    RunStatus status;
    status.units_leased = 1;
    status.workers.emplace_back().samples_done = samples;
    return status;
  }

  DrainWatch::Clock::time_point begin_{1000s};
  DrainWatch watch_{{.silent = 60s, .still = 120s}};
};

TEST_F(DrainWatchTest, NothingIsEndedByForceUnlessItWasAskedToStop) {
  EXPECT_FALSE(watch_.begun());
  EXPECT_EQ(watch_.standstill(begin_ + 1h), "");
}

TEST_F(DrainWatchTest, SilentCoordinatorIsEnded) {
  watch_.answered(in_work(1), begin_ - 30s);
  watch_.begin(begin_);
  EXPECT_EQ(watch_.standstill(begin_ + 59s), "");
  EXPECT_THAT(watch_.standstill(begin_ + 60s), HasSubstr("not answered"));
  watch_.answered(in_work(2), begin_ + 60s);
  EXPECT_EQ(watch_.standstill(begin_ + 119s), "");
}

TEST_F(DrainWatchTest, StandstillIsEndedAlthoughTheCoordinatorAnswers) {
  watch_.begin(begin_);
  for (int second = 0; second <= 100; ++second)
    watch_.answered(in_work(second), begin_ + second * 1s);
  for (int second = 101; second < 220; ++second) {
    watch_.answered(in_work(100), begin_ + second * 1s);
    EXPECT_EQ(watch_.standstill(begin_ + second * 1s), "") << second;
  }
  EXPECT_THAT(watch_.standstill(begin_ + 220s), HasSubstr("nothing has come"));
}

TEST_F(DrainWatchTest, SecondBeginningGivesNoMoreTime) {
  watch_.begin(begin_);
  watch_.begin(begin_ + 50s);
  EXPECT_NE(watch_.standstill(begin_ + 60s), "");
}

}  // namespace
}  // namespace lens::cli
