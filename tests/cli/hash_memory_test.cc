#include "cli/hash_memory.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/sha256.h"
#include "cli/file_hash.h"
#include "tests/cli/scratch_folder.h"

namespace lens::cli {
namespace {

namespace fs = std::filesystem;

constexpr HashMemory::Limits kEverything{.least_bytes = 0,
                                         .settled_seconds = 0};

class HashMemoryTest : public testing::Test {
 protected:
  fs::path write(const std::string& content) const {
    const fs::path file = folder_ / "weights";
    std::ofstream(file) << content;
    return file;
  }
  static struct stat status_of(const fs::path& file) {
    struct stat status {};
    EXPECT_EQ(stat(file.c_str(), &status), 0);
    return status;
  }
  // The hash, and how many bytes were read for it.
  static std::pair<std::string, std::int64_t> hash(const fs::path& file,
                                                   const HashMemory& memory) {
    std::int64_t read = 0;
    HashOptions options;
    options.memory = &memory;
    options.progress = [&](std::int64_t done, std::int64_t) { read = done; };
    return {hash_files({file}, options)[0].sha256, read};
  }

  ScratchFolder folder_;
};

TEST_F(HashMemoryTest, AFileIsReadOnce) {
  const HashMemory memory(folder_ / "cache", kEverything);
  const fs::path file = write("one");
  EXPECT_EQ(hash(file, memory), std::pair(sha256_hex("one"), std::int64_t{3}));
  EXPECT_EQ(hash(file, memory), std::pair(sha256_hex("one"), std::int64_t{0}));
}

TEST_F(HashMemoryTest, AFileWrittenInPlaceIsReadAgainThoughItsTimeIsSetBack) {
  const HashMemory memory(folder_ / "cache", kEverything);
  const fs::path file = write("one");
  const struct stat before = status_of(file);
  hash(file, memory);
  struct stat after = before;
  // Until the clock of the file system has moved: what settled_seconds is for.
  while (after.st_ctim.tv_sec == before.st_ctim.tv_sec &&
         after.st_ctim.tv_nsec == before.st_ctim.tv_nsec) {
    write("two");
    const timespec times[] = {before.st_atim, before.st_mtim};
    ASSERT_EQ(utimensat(AT_FDCWD, file.c_str(), times, 0), 0);
    after = status_of(file);
  }
  ASSERT_EQ(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
  EXPECT_EQ(hash(file, memory), std::pair(sha256_hex("two"), std::int64_t{3}));
}

TEST_F(HashMemoryTest, NothingIsKeptOfWhatMayStillChangeOrIsSmall) {
  const fs::path file = write("one");
  const HashMemory wary(folder_ / "cache",
                        {.least_bytes = 0, .settled_seconds = 1000});
  hash(file, wary);
  EXPECT_EQ(hash(file, wary).second, 3);
  const HashMemory large(folder_ / "cache",
                         {.least_bytes = 4, .settled_seconds = 0});
  hash(file, large);
  EXPECT_EQ(hash(file, large).second, 3);
}

TEST_F(HashMemoryTest, AFileThatChangedSinceItWasLookedAtIsNotKept) {
  const HashMemory memory(folder_ / "cache", kEverything);
  const fs::path file = write("one");
  const struct stat before = status_of(file);
  write("longer");
  memory.keep(file, before, sha256_hex("one"));
  EXPECT_FALSE(memory.find(file, before));
  EXPECT_FALSE(memory.find(file, status_of(file)));
}

TEST_F(HashMemoryTest, DamagedEntriesAndFoldersThatCannotBeMadeDoNoHarm) {
  const HashMemory memory(folder_ / "cache", kEverything);
  const fs::path file = write("one");
  hash(file, memory);
  for (const auto& entry : fs::directory_iterator(folder_ / "cache")) {
    std::ofstream(entry.path()) << "half a ha";
  }
  EXPECT_EQ(hash(file, memory).second, 3);
  EXPECT_EQ(hash(file, memory).second, 0) << "the entry was not mended";
  // Below a file no folder can be.
  const HashMemory nowhere(file / "cache", kEverything);
  EXPECT_EQ(hash(file, nowhere).first, sha256_hex("one"));
  EXPECT_EQ(hash(file, nowhere).second, 3);
}

}  // namespace
}  // namespace lens::cli
