#include "coordinator/file_lock.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "tests/coordinator/temporary_directory.h"

namespace lens::coordinator {
namespace {

using ::testing::HasSubstr;

class FileLockTest : public ::testing::Test {
 protected:
  std::filesystem::path file() const { return directory_.path() / "lock"; }

  // A lock of somebody who has never heard of us.
  int strange(int kind) const {
    const int descriptor = ::open(file().c_str(), O_RDWR | O_CREAT, 0644);
    EXPECT_EQ(::flock(descriptor, kind), 0);
    return descriptor;
  }

  TemporaryDirectory directory_;
};

TEST_F(FileLockTest, IsGivenToOneAndGoesWithIt) {
  EXPECT_FALSE(FileLock::held(file()));
  EXPECT_FALSE(std::filesystem::exists(file())) << "asking makes no file";
  {
    const auto lock = FileLock::take(file(), "somebody");
    ASSERT_TRUE(lock);
    EXPECT_TRUE(FileLock::held(file()));
    EXPECT_FALSE(FileLock::take(file(), "another"));
    EXPECT_EQ(FileLock::owner(file()), "somebody");
  }
  EXPECT_FALSE(FileLock::held(file()));
  EXPECT_TRUE(FileLock::take(file(), "another"));
}

TEST_F(FileLockTest, FileIsClosedToOthersAlsoWhereItWasOpen) {
  std::ofstream{file()};
  ::chmod(file().c_str(), 0644);
  const auto lock = FileLock::take(file(), "somebody");
  struct stat info;
  ASSERT_EQ(::stat(file().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(FileLockTest, SharedLockOfAStrangerIsInTheWayButIsNoOwner) {
  const int stranger = strange(LOCK_SH);
  EXPECT_FALSE(FileLock::take(file(), "somebody"));
  EXPECT_FALSE(FileLock::held(file()));
  ::close(stranger);
  EXPECT_TRUE(FileLock::take(file(), "somebody"));
}

TEST_F(FileLockTest, LockOnAFileThatWasRemovedIsNotWorthAnything) {
  const auto old = FileLock::take(file(), "somebody");
  std::filesystem::remove(file());
  const auto lock = FileLock::take(file(), "another");
  ASSERT_TRUE(lock);
  EXPECT_TRUE(FileLock::held(file()));
  EXPECT_EQ(FileLock::owner(file()), "another");
}

TEST_F(FileLockTest, HolderIsNamed) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    strange(LOCK_EX);
    if (::write(ends[1], "h", 1) == 1) ::pause();
    ::_exit(0);
  }
  char held = 0;
  ASSERT_EQ(::read(ends[0], &held, 1), 1);
  const auto holder = lock_holder(file());
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ASSERT_TRUE(holder);
  EXPECT_EQ(holder->pid, child);
  EXPECT_THAT(holder->text(), HasSubstr("(pid " + std::to_string(child) + ")"));
  EXPECT_FALSE(lock_holder(file())) << "the lock went with its holder";
}

}  // namespace
}  // namespace lens::coordinator
