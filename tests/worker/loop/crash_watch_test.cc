#include "worker/crash_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <functional>
#include <optional>
#include <thread>

#include "storage/crash_note.h"
#include "tests/storage/fixtures.h"
#include "worker/stall_watch.h"

namespace lens::worker {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

const std::vector<std::string> kOne = {"7.1"};
const std::vector<std::string> kTwo = {"7.1", "7.2"};

class CrashWatchTest : public ::testing::Test {
 protected:
#if defined(__SANITIZE_THREAD__)
  void SetUp() override {
    GTEST_SKIP() << "the thread sanitizer takes the signals of a crash";
  }
#endif
  static Lease lease_of(std::int32_t unit) {
    Lease lease;
    lease.token = {1, static_cast<std::uint64_t>(unit + 100)};
    lease.unit = unit;
    return lease;
  }
  // How a worker ends that does `work`; it is killed where it comes to the end.
  int worker_that(const std::function<void()>& work) {
    const pid_t child = ::fork();
    if (child == 0) {
      install_crash_watch();
      work();
      ::_exit(0);
    }
    int status = -1;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    return status;
  }
  std::optional<storage::CrashNote> note_of(std::int32_t unit) {
    return storage::read_crash_note(run_, unit, 1,
                                    static_cast<std::uint64_t>(unit + 100));
  }
  static void crash() { ::raise(SIGSEGV); }

  storage::fixtures::TemporaryFolder folder_;
  const storage::RunDirectory run_{folder_.path()};
};

TEST_F(CrashWatchTest, CrashNamesTheSampleThatIsAlone) {
  const int status = worker_that([&] {
    Doing doing(run_, lease_of(1), Stage::kModel);
    doing.come_to(kTwo);
    doing.come_to(kOne);
    crash();
  });
#if defined(__SANITIZE_ADDRESS__)
  EXPECT_NE(status, 0);  // the sanitizer's handler comes next, and exits
#else
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGSEGV);
#endif
  const auto note = note_of(1);
  ASSERT_TRUE(note);
  EXPECT_EQ(note->sample_id, "7.1");
  EXPECT_THAT(note->reason, HasSubstr("died of SIGSEGV"));
  EXPECT_FALSE(note->killed);
  // It told of its death: nobody else has to.
  storage::settle_work_notes(run_);
  EXPECT_EQ(storage::read_crash_notes(run_).size(), 1u);
}

TEST_F(CrashWatchTest, SeveralSamplesInWorkNameNone) {
  worker_that([&] {
    Doing doing(run_, lease_of(1), Stage::kModel);
    doing.come_to(kTwo);
    crash();
  });
  ASSERT_TRUE(note_of(1));
  EXPECT_EQ(note_of(1)->sample_id, "");
}

// The rows of the next unit are read while this one is computed; after its
// first image a crash there must not be put down to this one.
TEST_F(CrashWatchTest, CrashAfterANestedStageIsTheOuterOnes) {
  worker_that([&] {
    Doing model(run_, lease_of(1), Stage::kModel);
    model.come_to(kOne);
    std::thread([&] {
      const Doing rows(run_, lease_of(2), Stage::kRows);
      {
        Doing image(run_, lease_of(2), Stage::kImage);
        image.come_to(kTwo);
      }
      crash();
    }).join();
  });
  EXPECT_FALSE(note_of(1));
  ASSERT_TRUE(note_of(2));
  EXPECT_THAT(note_of(2)->reason, HasSubstr("its rows were read"));
}

TEST_F(CrashWatchTest, ThreadWithoutWorkOfItsOwnWorksForTheModel) {
  worker_that([&] {
    Doing model(run_, lease_of(1), Stage::kModel);
    model.come_to(kOne);
    std::thread(crash).join();
  });
  ASSERT_TRUE(note_of(1));
  EXPECT_EQ(note_of(1)->sample_id, "7.1");
}

// Not inlined and not a loop: it has to fill the stack.
__attribute__((noinline)) int deeper(int depth) {
  volatile char frame[4096];
  frame[0] = static_cast<char>(depth);
  return depth == 0 ? 0 : deeper(depth - 1) + frame[0];
}

TEST_F(CrashWatchTest, OverflownStackOfAHelperThreadIsTold) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "the sanitizer keeps stack overflows to itself";
#endif
  worker_that([&] {
    std::thread([&] {
      Doing image(run_, lease_of(3), Stage::kImage);
      image.come_to(kOne);
      ::_exit(deeper(1'000'000));
    }).join();
  });
  ASSERT_TRUE(note_of(3));
  EXPECT_EQ(note_of(3)->sample_id, "7.1");
}

TEST_F(CrashWatchTest, KillLeavesATraceThatOthersRead) {
  const int status = worker_that([&] {
    Doing model(run_, lease_of(1), Stage::kModel);
    model.come_to(kOne);
    const Doing rows(run_, lease_of(2), Stage::kRows);
    ::raise(SIGKILL);
  });
  EXPECT_EQ(WTERMSIG(status), SIGKILL);
  EXPECT_FALSE(note_of(1));
  storage::settle_work_notes(run_);
  ASSERT_TRUE(note_of(1));
  EXPECT_TRUE(note_of(1)->killed);
  EXPECT_EQ(note_of(1)->sample_id, "7.1");
  EXPECT_FALSE(note_of(2));
}

TEST_F(CrashWatchTest, NothingIsLeftOfWorkThatWentWell) {
  const int status = worker_that([&] {
    Doing model(run_, lease_of(1), Stage::kModel);
    model.come_to(kOne);
    { const Doing image(run_, lease_of(2), Stage::kImage); }
  });
  EXPECT_EQ(status, 0);
  storage::settle_work_notes(run_);
  EXPECT_TRUE(std::filesystem::is_empty(run_.crashes()));
}

TEST_F(CrashWatchTest, WorkThatHangsEndsItsProcessWithANote) {
  const int status = worker_that([&] {
    const StallWatch watch(20ms);
    Doing model(run_, lease_of(1), Stage::kModel);
    model.come_to(kOne);
    std::this_thread::sleep_for(60s);
  });
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 1);
  ASSERT_TRUE(note_of(1));
  EXPECT_EQ(note_of(1)->sample_id, "7.1");
  EXPECT_THAT(note_of(1)->reason, HasSubstr("made no step for"));
  EXPECT_FALSE(note_of(1)->killed);
}

}  // namespace
}  // namespace lens::worker
