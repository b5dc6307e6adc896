#include "worker/stall_watch.h"

#include <gtest/gtest.h>

#include <chrono>
#include <vector>

namespace lens::worker {
namespace {

using namespace std::chrono_literals;

class StallJudgeTest : public ::testing::Test {
 protected:
  std::optional<StallJudge::Stalled> look(std::vector<InWork> work,
                                          std::chrono::milliseconds elapsed) {
    return judge_.look(work, elapsed);
  }
  // A step of the model that took so long.
  void step_took(std::chrono::milliseconds duration) {
    look({{1, Stage::kModel, steps_}}, 0ms);
    look({{1, Stage::kModel, steps_}}, duration);
    look({{1, Stage::kModel, ++steps_}}, 0ms);
  }

  StallJudge judge_{10s};
  std::uint64_t steps_ = 0;
};

TEST_F(StallJudgeTest, NothingInWorkNeverHangs) {
  EXPECT_FALSE(look({}, 100h));
  EXPECT_FALSE(look({}, 100h));
}

TEST_F(StallJudgeTest, FirstStepHasSixLimits) {
  EXPECT_FALSE(look({{1, Stage::kModel, 0}}, 0s));
  EXPECT_FALSE(look({{1, Stage::kModel, 0}}, 59s));
  const auto stalled = look({{1, Stage::kModel, 0}}, 1s);
  ASSERT_TRUE(stalled);
  EXPECT_EQ(stalled->id, 1u);
  EXPECT_EQ(stalled->idle, 60s);
}

TEST_F(StallJudgeTest, LimitHoldsOnceThePaceIsKnown) {
  step_took(100ms);
  EXPECT_FALSE(look({{1, Stage::kModel, steps_}}, 9s));
  EXPECT_TRUE(look({{1, Stage::kModel, steps_}}, 1s));
}

TEST_F(StallJudgeTest, SlowWorkHasTwentyTimesItsLongestStep) {
  step_took(2s);
  EXPECT_FALSE(look({{1, Stage::kModel, steps_}}, 39s));
  EXPECT_TRUE(look({{1, Stage::kModel, steps_}}, 1s));
}

TEST_F(StallJudgeTest, StepsKeepWorkAlive) {
  for (int i = 0; i < 100; ++i) {
    EXPECT_FALSE(look({{1, Stage::kModel, ++steps_}}, 8s));
  }
}

TEST_F(StallJudgeTest, PaceOfOneStageSaysNothingOfAnother) {
  step_took(100ms);
  look({{2, Stage::kImage, 0}}, 0s);
  EXPECT_FALSE(look({{2, Stage::kImage, 0}}, 59s));
  EXPECT_TRUE(look({{2, Stage::kImage, 0}}, 1s));
}

TEST_F(StallJudgeTest, WorkThatEndedWasAStep) {
  look({{2, Stage::kImage, 0}}, 0s);
  look({{2, Stage::kImage, 0}}, 1s);
  look({}, 0s);
  look({{3, Stage::kImage, 0}}, 0s);
  EXPECT_FALSE(look({{3, Stage::kImage, 0}}, 19s));
  EXPECT_TRUE(look({{3, Stage::kImage, 0}}, 1s));
}

TEST_F(StallJudgeTest, ImageThatHangsIsNamedAndNotTheRowsThatWaitForIt) {
  look({{1, Stage::kRows, 0}}, 0s);
  look({{1, Stage::kRows, 1}}, 1s);
  look({{1, Stage::kRows, 1}, {2, Stage::kImage, 0}}, 0s);
  EXPECT_FALSE(look({{1, Stage::kRows, 1}, {2, Stage::kImage, 0}}, 59s));
  const auto stalled = look({{1, Stage::kRows, 1}, {2, Stage::kImage, 0}}, 1s);
  ASSERT_TRUE(stalled);
  EXPECT_EQ(stalled->id, 2u);
}

TEST_F(StallJudgeTest, OnlyWhatHangsIsNamed) {
  step_took(100ms);
  std::uint64_t other = 0;
  std::optional<StallJudge::Stalled> stalled;
  for (int half_second = 0; half_second < 20; ++half_second) {
    EXPECT_FALSE(stalled);
    stalled =
        look({{7, Stage::kModel, ++other}, {1, Stage::kModel, steps_}}, 500ms);
  }
  ASSERT_TRUE(stalled);
  EXPECT_EQ(stalled->id, 1u);
}

}  // namespace
}  // namespace lens::worker
