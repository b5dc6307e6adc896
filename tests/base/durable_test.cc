#include "base/durable.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "tests/storage/fixtures.h"

namespace lens::storage {
namespace {

using fixtures::read_bytes;

TEST(Durable, StepsComeInOrder) {
  const fixtures::TemporaryFolder folder;
  std::vector<int> steps;
  write_file_durably(folder.path() / "new" / "f", "text", [&](WriteStep step) {
    steps.push_back(static_cast<int>(step));
  });
  EXPECT_THAT(steps, testing::ElementsAre(1, 2, 3, 4, 5));
  EXPECT_EQ(read_bytes(folder.path() / "new" / "f"), "text");
}

TEST(Durable, WithoutCommitNothingIsLeft) {
  const fixtures::TemporaryFolder folder;
  {
    DurableFile file(folder.path() / "f");
    file.append("half");
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(Durable, KilledAfterAnyStepLeavesOldOrNewWhole) {
  for (int stop = 1; stop <= 5; ++stop) {
    const fixtures::TemporaryFolder folder;
    const auto file = folder.path() / "f";
    write_file_durably(file, "old");
    const pid_t child = ::fork();
    if (child == 0) {
      write_file_durably(file, "new", [&](WriteStep step) {
        if (static_cast<int>(step) == stop) ::_exit(0);
      });
      ::_exit(1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_EQ(status, 0);
    EXPECT_EQ(read_bytes(file), stop < 4 ? "old" : "new") << stop;
    // The next writer is not held up by what is left.
    write_file_durably(file, "next");
    EXPECT_EQ(read_bytes(file), "next");
  }
}

TEST(Durable, SecondWriterOfAFileIsRefused) {
  const fixtures::TemporaryFolder folder;
  DurableFile first(folder.path() / "f");
  EXPECT_THROW(DurableFile(folder.path() / "f"), StorageError);
  first.append("x");
  first.commit();
  EXPECT_EQ(read_bytes(folder.path() / "f"), "x");
}

TEST(Durable, UnwritableFolderIsOneLineOfStorageError) {
  try {
    write_file_durably("/proc/no/such/file", "x");
    FAIL();
  } catch (const StorageError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("cannot make the folder"));
    EXPECT_THAT(error.what(), testing::Not(testing::HasSubstr("\n")));
  }
}

TEST(Durable, FolderThatMayNotBeLookedAtIsAStorageError) {
  const fixtures::TemporaryFolder folder;
  const std::string name(300, 'x');  // longer than names may be
  EXPECT_THROW(DurableFile(folder.path() / name / "f"), StorageError);
  EXPECT_THROW(DurableFile(folder.path() / name), StorageError);
}

TEST(Durable, LinkIsFollowedAndStays) {
  const fixtures::TemporaryFolder folder;
  const auto link = folder.path() / "link";
  std::filesystem::create_directory(folder.path() / "far");
  std::filesystem::create_symlink("far/f", link);
  for (const char* text : {"new", "newer"}) {
    write_file_durably(link, text);
    EXPECT_TRUE(std::filesystem::is_symlink(link));
    EXPECT_EQ(read_bytes(folder.path() / "far" / "f"), text);
  }
}

TEST(Durable, LinksInACircleAreRefused) {
  const fixtures::TemporaryFolder folder;
  std::filesystem::create_symlink("b", folder.path() / "a");
  std::filesystem::create_symlink("a", folder.path() / "b");
  EXPECT_THROW(write_file_durably(folder.path() / "a", "x"), StorageError);
}

TEST(Durable, PipeIsWrittenToAndStaysOne) {
  const fixtures::TemporaryFolder folder;
  const auto pipe = folder.path() / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const int reader = ::open(pipe.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  write_file_durably(pipe, "text");
  char text[8] = {};
  EXPECT_EQ(::read(reader, text, sizeof text), 4);
  EXPECT_STREQ(text, "text");
  ::close(reader);
  EXPECT_TRUE(std::filesystem::is_fifo(pipe));
  EXPECT_THROW(DurableFile{pipe}, StorageError) << "no library writes there";
}

TEST(Durable, DeviceThatIsFullIsAnError) {
  EXPECT_THROW(write_file_durably("/dev/full", "text"), StorageError);
  EXPECT_NO_THROW(write_file_durably("/dev/null", "text"));
}

}  // namespace
}  // namespace lens::storage
