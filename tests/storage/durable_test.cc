#include "storage/durable.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixtures.h"
#include "storage/error.h"

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

}  // namespace
}  // namespace lens::storage
