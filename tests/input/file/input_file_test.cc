#include "input/file/input_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/input/file/scratch_files.h"

namespace lens {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

std::string refusal(const fs::path& path) {
  return refusal_of([&] { has_file(path); });
}

TEST(InputFile, NothingIsAbsentAndAFileIsThere) {
  const ScratchFiles scratch;
  EXPECT_FALSE(has_file(scratch / "none"));
  EXPECT_FALSE(has_file(scratch.write("file", "x") / "below"));
  EXPECT_TRUE(has_file(scratch / "file"));
  fs::create_symlink("file", scratch / "link");
  EXPECT_TRUE(has_file(scratch / "link"));
  EXPECT_EQ(read_whole(scratch / "link", 10), "x");
}

TEST(InputFile, LinkIntoNothingIsNotAbsent) {
  const ScratchFiles scratch;
  fs::create_symlink("../blobs/0123", scratch / "config.json");
  EXPECT_THAT(refusal(scratch / "config.json"),
              AllOf(HasSubstr("config.json"), HasSubstr("link into nothing"),
                    HasSubstr("../blobs/0123"), HasSubstr("; ")));
  fs::create_symlink("circle", scratch / "circle");
  EXPECT_THAT(refusal(scratch / "circle"), HasSubstr("leads to itself"));
}

TEST(InputFile, FolderAndPipeAreNoFiles) {
  const ScratchFiles scratch;
  EXPECT_THAT(refusal(scratch.path()), HasSubstr("a folder"));
  ASSERT_EQ(mkfifo((scratch / "pipe").c_str(), 0600), 0);
  EXPECT_THAT(refusal(scratch / "pipe"), HasSubstr("not a regular file"));
}

TEST(InputFile, FileThatMayNotBeReadIsNotAbsent) {
  const ScratchFiles scratch;
  scratch.write("secret", "x");
  scratch.write("closed/file", "x");
  fs::permissions(scratch.path(), fs::perms::all);
  fs::permissions(scratch / "secret", fs::perms::none);
  fs::permissions(scratch / "closed", fs::perms::none);
  // Rights do not bind root: somebody else looks.
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const bool other = geteuid() != 0 || setuid(65534) == 0;
    const bool told =
        refusal(scratch / "secret").find("Permission denied") !=
            std::string::npos &&
        refusal(scratch / "closed/file").find("denied") != std::string::npos;
    _exit(other && told ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  fs::permissions(scratch / "closed", fs::perms::owner_all);
}

TEST(InputFile, ReadsNoMoreThanTheLimit) {
  const ScratchFiles scratch;
  scratch.write("long", "12345");
  EXPECT_EQ(read_whole(scratch / "long", 5), "12345");
  EXPECT_THAT(refusal_of([&] { read_whole(scratch / "long", 4); }),
              HasSubstr("5 bytes"));
  EXPECT_THAT(refusal_of([&] { read_whole(scratch / "none", 4); }),
              HasSubstr("no such file"));
}

}  // namespace
}  // namespace lens
