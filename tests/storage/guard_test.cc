#include "storage/guard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <stdexcept>
#include <vector>

#include "storage/hdf5/read_watch.h"

namespace lens::storage {
namespace {

TEST(Guard, LinesOfTheChildArrive) {
  const GuardOutcome outcome = run_guarded([](const GuardSend& send) {
    send("one");
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
  EXPECT_EQ(outcome.signal, SIGKILL);
  EXPECT_THAT(outcome.lines, testing::ElementsAre("before"));
}

TEST(Guard, EndlessLoopOfTheChildIsEnded) {
  const GuardOutcome outcome = run_guarded(
      [](const GuardSend&) {
        const LibraryCall call;
        for (std::atomic<int> spin = 0;; ++spin) {
        }
      },
      {.busy = std::chrono::milliseconds(100)});
  EXPECT_THAT(outcome.failure, testing::HasSubstr("without end"));
}

// A slow disk, a stopped process, a long computation, a long read that gets on.
TEST(Guard, OnlyALibraryThatIsBusyWithoutAStepHangs) {
  const auto spin = [](std::chrono::milliseconds time) {
    const auto end = std::chrono::steady_clock::now() + time;
    while (std::chrono::steady_clock::now() < end) {
    }
  };
  const GuardOutcome outcome = run_guarded(
      [&](const GuardSend& send) {
        spin(std::chrono::milliseconds(300));
        const LibraryCall call;
        ::usleep(300'000);
        for (int i = 0; i < 10; ++i) {
          spin(std::chrono::milliseconds(30));
          mark_read_step();
        }
        send("done");
      },
      {.busy = std::chrono::milliseconds(200)});
  EXPECT_EQ(outcome.failure, "");
  EXPECT_THAT(outcome.lines, testing::ElementsAre("done"));
}

TEST(Guard, ChildDiesWithItsParent) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t parent = ::fork();
  if (parent == 0) {
    ::close(ends[0]);
    run_guarded([&](const GuardSend&) {
      const char byte = 'x';
      if (::write(ends[1], &byte, 1) == 1) ::pause();
    });
    ::_exit(0);
  }
  ::close(ends[1]);
  char byte = 0;
  ASSERT_EQ(::read(ends[0], &byte, 1), 1);
  ::kill(parent, SIGKILL);
  ::waitpid(parent, nullptr, 0);
  EXPECT_EQ(::read(ends[0], &byte, 1), 0) << "somebody still holds the pipe";
  ::close(ends[0]);
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
