#include "proto/client/call_watch.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "proto/threads.h"

namespace lens::proto {
namespace {

using std::chrono::milliseconds;

class CallWatchTest : public ::testing::Test {
 protected:
  static constexpr milliseconds kGrace{100};
  static constexpr milliseconds kTick{10};

  std::atomic<int> told_ = 0;
  CallWatch watch_{[this](const std::string& line) {
                     EXPECT_NE(line.find("ulimit"), std::string::npos);
                     ++told_;
                   },
                   kGrace, kTick};
};

TEST_F(CallWatchTest, CallThatReturnsInTimeIsNobodysConcern) {
  for (int i = 0; i < 20; ++i) {
    const CallWatch::Call call(watch_, milliseconds(50));
    std::this_thread::sleep_for(kTick);
  }
  std::this_thread::sleep_for(2 * kGrace);
  EXPECT_EQ(told_, 0);
}

TEST_F(CallWatchTest, CallThatDoesNotReturnIsToldOnce) {
  const CallWatch::Call patient(watch_, std::chrono::minutes(1));
  const CallWatch::Call call(watch_, milliseconds(50));
  for (int i = 0; i < 500 && told_ == 0; ++i) {
    std::this_thread::sleep_for(kTick);
  }
  EXPECT_EQ(told_, 1);
  std::this_thread::sleep_for(2 * kGrace);
  EXPECT_EQ(told_, 1);
}

TEST(CallWatch, NobodyWatchesWhereNobodyListens) {
  CallWatch watch({}, milliseconds(1), milliseconds(1));
  const CallWatch::Call call(watch, milliseconds(1));
  std::this_thread::sleep_for(milliseconds(20));
}

TEST(CheckThreads, NamesTheLimitsThatStandAgainstIt) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer takes more address space than is left";
#endif
  EXPECT_TRUE(check_threads(4).ok());
  // In a child: a limit that was lowered may not be raised again.
  const auto in_little_memory = [] {
    const rlimit limit{.rlim_cur = 300 << 20, .rlim_max = 300 << 20};
    ::setrlimit(RLIMIT_AS, &limit);
    const absl::Status status = check_threads(1'000);
    std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
    std::_Exit(absl::IsResourceExhausted(status) ? 0 : 1);
  };
  EXPECT_EXIT(in_little_memory(), ::testing::ExitedWithCode(0),
              "cannot start 1000 threads .Cannot allocate memory.*ulimit -v");
}

}  // namespace
}  // namespace lens::proto
