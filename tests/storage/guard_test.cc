#include "storage/guard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>
#include <vector>

namespace lens::storage {
namespace {

TEST(Guard, LinesOfTheChildArrive) {
  const GuardOutcome outcome = run_guarded([](const GuardSend& send) {
    send("one");
    send("");
    send("two\nlines");
  });
  EXPECT_EQ(outcome.failure, "");
  EXPECT_THAT(outcome.lines, testing::ElementsAre("one", "two lines"));
}

TEST(Guard, CrashOfTheChildIsReported) {
  const GuardOutcome outcome = run_guarded([](const GuardSend& send) {
    send("before");
    ::raise(SIGKILL);
  });
  EXPECT_THAT(outcome.failure, testing::HasSubstr("signal 9"));
  EXPECT_THAT(outcome.lines, testing::ElementsAre("before"));
}

TEST(Guard, EndlessLoopOfTheChildIsEnded) {
  const GuardOutcome outcome = run_guarded(
      [](const GuardSend&) {
        for (;;) ::usleep(1000);
      },
      {.silence = std::chrono::milliseconds(100)});
  EXPECT_THAT(outcome.failure, testing::HasSubstr("without end"));
}

TEST(Guard, ExceptionOfTheChildIsReported) {
  const GuardOutcome outcome = run_guarded(
      [](const GuardSend&) { throw std::runtime_error("bad header"); });
  EXPECT_NE(outcome.failure, "");
  EXPECT_THAT(outcome.lines, testing::ElementsAre("bad header"));
}

#if !defined(__SANITIZE_ADDRESS__)
TEST(Guard, GreedOfTheChildIsLimited) {
  const GuardOutcome outcome = run_guarded(
      [](const GuardSend& send) {
        std::vector<char> much(std::size_t{1} << 32);
        send(std::to_string(much.size()));
      },
      {.extra_bytes = 64 << 20});
  EXPECT_NE(outcome.failure, "");
}
#endif

}  // namespace
}  // namespace lens::storage
