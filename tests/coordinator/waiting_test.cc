#include "proto/client/waiting.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/coordinator/fake_clock.h"

namespace lens::proto {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class WaitingTest : public ::testing::Test {
 protected:
  void fail_after(seconds time) {
    clock_.advance(time);
    waiting_.failed("node7:4321", "refused");
  }

  coordinator::FakeClock clock_;
  std::vector<std::string> lines_;
  Waiting waiting_{[this](const std::string& line) { lines_.push_back(line); },
                   clock_.clock()};
};

TEST_F(WaitingTest, ShortWaitsAreNotTold) {
  fail_after(seconds(0));
  fail_after(seconds(1));
  waiting_.answered();
  fail_after(seconds(1));
  EXPECT_THAT(lines_, IsEmpty());
}

TEST_F(WaitingTest, LongOnesAreToldNowAndThenAndAtTheirEnd) {
  for (int second = 0; second < 65; ++second) fail_after(seconds(1));
  waiting_.answered();
  waiting_.answered();
  EXPECT_THAT(
      lines_,
      ElementsAre(
          "waiting for the coordinator at node7:4321 (refused), 2 s so far",
          "waiting for the coordinator at node7:4321 (refused), 32 s so far",
          "waiting for the coordinator at node7:4321 (refused), 62 s so far",
          "the coordinator answers again after 64 s"));
}

// One thread is answered while another is not.
TEST_F(WaitingTest, AnswersInBetweenDoNotFillTheLog) {
  for (int call = 0; call < 10; ++call) {
    fail_after(seconds(0));
    fail_after(seconds(2));
    waiting_.answered();
  }
  EXPECT_EQ(lines_.size(), 4u);
}

TEST_F(WaitingTest, UnknownAddressIsLeftOut) {
  waiting_.failed("", "there is no coordinator.json");
  clock_.advance(seconds(3));
  waiting_.failed("", "there is no coordinator.json");
  EXPECT_THAT(lines_, ElementsAre("waiting for the coordinator (there is no "
                                  "coordinator.json), 3 s so far"));
}

}  // namespace
}  // namespace lens::proto
