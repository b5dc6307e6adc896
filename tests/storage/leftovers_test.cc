#include "storage/leftovers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/durable.h"
#include "fixtures.h"

namespace lens::storage {
namespace {

namespace fs = std::filesystem;

class LeftoversTest : public testing::Test {
 protected:
  void SetUp() override { parts_ = fixtures::write_run(run_, manifest_); }

  static void leave(const fs::path& file) {
    fs::create_directories(file.parent_path());
    fixtures::write_bytes(file, "half");
  }

  fs::path part(std::size_t unit) const {
    return run_.root() / parts_[unit].receipt.file_name;
  }

  fixtures::TemporaryFolder folder_;
  RunDirectory run_{folder_.path()};
  Manifest manifest_ = fixtures::make_manifest();
  std::vector<CommittedPart> parts_;
};

TEST_F(LeftoversTest, WholeRunLosesNothing) {
  const Leftovers found = collect_leftovers(run_, parts_);
  EXPECT_EQ(found.files, 0);
  EXPECT_EQ(found.bytes, 0);
  for (std::size_t unit = 0; unit < parts_.size(); ++unit)
    EXPECT_TRUE(fs::exists(part(unit)));
  EXPECT_TRUE(fs::exists(run_.manifest()));
}

TEST_F(LeftoversTest, TemporaryFilesOfTheDeadGo) {
  const std::vector<fs::path> dead = {
      part(0).string() + ".tmp", run_.part("mtvqa", 1, 7, 9).string() + ".tmp",
      run_.results().string() + ".tmp", run_.manifest().string() + ".tmp"};
  for (const fs::path& file : dead) leave(file);
  EXPECT_EQ(collect_leftovers(run_, parts_).files, 4);
  for (const fs::path& file : dead) EXPECT_FALSE(fs::exists(file)) << file;
}

TEST_F(LeftoversTest, WhatIsBeingWrittenStays) {
  DurableFile being_written(run_.part("mtvqa", 1, 7, 9));
  being_written.append("half");
  EXPECT_EQ(collect_leftovers(run_, parts_).files, 0);
  being_written.append("the rest");
  being_written.commit();
  EXPECT_TRUE(fs::exists(run_.part("mtvqa", 1, 7, 9)));
}

TEST_F(LeftoversTest, FileOfAKilledWriterGoes) {
  const pid_t writer = ::fork();
  if (writer == 0) {
    DurableFile file(run_.results());
    file.append("half");
    ::_exit(0);
  }
  ::waitpid(writer, nullptr, 0);
  ASSERT_TRUE(fs::exists(run_.results().string() + ".tmp"));
  const Leftovers found = collect_leftovers(run_, parts_);
  EXPECT_EQ(found.files, 1);
  EXPECT_EQ(found.bytes, 4);
}

TEST_F(LeftoversTest, PartsThatNoCommitNamesGoAndOthersStay) {
  const fs::path orphan = run_.part("mtvqa", 0, 3, 4);
  leave(orphan);
  const fs::path stranger = orphan.parent_path() / "notes.h5";
  leave(stranger);
  EXPECT_EQ(collect_leftovers(run_, parts_).files, 1);
  EXPECT_FALSE(fs::exists(orphan));
  EXPECT_TRUE(fs::exists(stranger)) << "its name is not a part's";
  for (std::size_t unit = 0; unit < parts_.size(); ++unit)
    EXPECT_TRUE(fs::exists(part(unit)));
}

TEST_F(LeftoversTest, RunWithoutPartsIsNoError) {
  fs::remove_all(run_.parts());
  EXPECT_EQ(collect_leftovers(run_, {}).files, 0);
}

}  // namespace
}  // namespace lens::storage
