#include "cli/run_claim.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <thread>

#include "base/error.h"
#include "tests/cli/scratch_folder.h"

namespace lens::cli {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class RunClaimTest : public testing::Test {
 protected:
  ScratchFolder folder_;
  storage::RunDirectory run_{folder_ / "a/b/run"};
};

TEST_F(RunClaimTest, FoldersGoAgainWhereNoPlanCame) {
  {
    const RunClaim claim(run_, "run");
    EXPECT_TRUE(fs::is_directory(run_.root()));
    EXPECT_TRUE(RunLock::held(run_, Activity::kRunning));
  }
  EXPECT_FALSE(fs::exists(folder_ / "a"));
  EXPECT_TRUE(fs::exists(folder_.path()));
}

TEST_F(RunClaimTest, FolderThatWasThereStaysAsItWas) {
  fs::create_directories(run_.root());
  { const RunClaim claim(run_, "run"); }
  EXPECT_TRUE(fs::is_directory(run_.root()));
  EXPECT_TRUE(fs::is_empty(run_.root()));
}

TEST_F(RunClaimTest, PlannedFolderStays) {
  {
    const RunClaim claim(run_, "run");
    std::ofstream(run_.manifest()) << "{}";
  }
  EXPECT_TRUE(fs::exists(run_.manifest()));
}

TEST_F(RunClaimTest, SecondClaimIsRefusedInOneLine) {
  const RunClaim claim(run_, "run");
  try {
    const RunClaim second(run_, "plan");
    FAIL() << "claimed twice";
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), HasSubstr("cannot plan " + run_.root().string()));
    EXPECT_THAT(error.what(), HasSubstr("another `lens run` is at work"));
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
  }
  EXPECT_TRUE(fs::is_directory(run_.root())) << "it is the first one's";
}

TEST_F(RunClaimTest, SharedLockOfAStrangerIsWaitedFor) {
  fs::create_directories(run_.root());
  const int stranger = open(RunLock::file(run_, Activity::kRunning).c_str(),
                            O_RDWR | O_CREAT, 0644);
  ASSERT_EQ(flock(stranger, LOCK_SH), 0);
  std::jthread ending([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    close(stranger);
  });
  EXPECT_NO_THROW(RunClaim(run_, "run"));
}

TEST_F(RunClaimTest, FileInTheWayIsNamed) {
  std::ofstream(folder_ / "a") << "x";
  try {
    const RunClaim claim(run_, "run");
    FAIL() << "claimed";
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), HasSubstr("cannot make the folder"));
    EXPECT_THAT(error.what(), HasSubstr("Not a directory"));
  }
}

}  // namespace
}  // namespace lens::cli
