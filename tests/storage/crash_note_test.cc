#include "storage/crash_note.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace lens::storage {
namespace {

class CrashNoteTest : public ::testing::Test {
 protected:
  CrashNoteTest()
      : run_(std::filesystem::path(::testing::TempDir()) /
             ::testing::UnitTest::GetInstance()->current_test_info()->name()) {
    std::filesystem::remove_all(run_.root());
    std::filesystem::create_directories(run_.crashes());
  }
  ~CrashNoteTest() override { std::filesystem::remove_all(run_.root()); }

  void write(const std::filesystem::path& file, const std::string& text) {
    std::ofstream(file) << text;
  }

  const RunDirectory run_;
};

TEST_F(CrashNoteTest, IsFoundByItsLease) {
  write(run_.crash_note(12, 3, 45), "7.1\nit died\n");
  EXPECT_EQ(run_.crash_note(12, 3, 45).filename(), "000012.3-45.txt");
  const auto note = read_crash_note(run_, 12, 3, 45);
  ASSERT_TRUE(note);
  EXPECT_EQ(note->sample_id, "7.1");
  EXPECT_EQ(note->reason, "it died");
  EXPECT_FALSE(read_crash_note(run_, 12, 3, 46));
}

TEST_F(CrashNoteTest, HalfWrittenNoteStillTellsOfACrash) {
  write(run_.crash_note(1, 1, 1), "");
  write(run_.crash_note(2, 1, 2), "\n");
  for (const int unit : {1, 2}) {
    const auto note = read_crash_note(run_, unit, 1, unit);
    ASSERT_TRUE(note);
    EXPECT_EQ(note->sample_id, "");
    EXPECT_EQ(note->reason, "the worker crashed");
  }
}

TEST_F(CrashNoteTest, ForeignFilesAreNoNotes) {
  write(run_.crash_note(2, 1, 9), "a\nb\n");
  write(run_.crash_note(1, 2, 3), "c\nd\n");
  for (const char* name : {"core", "000001.1-2.txt~", "1.txt", ".1-2.txt"}) {
    write(run_.crashes() / name, "x\ny\n");
  }
  const std::vector<CrashNote> notes = read_crash_notes(run_);
  ASSERT_EQ(notes.size(), 2u);
  EXPECT_EQ(notes[0].unit, 1);
  EXPECT_EQ(notes[0].epoch, 2u);
  EXPECT_EQ(notes[0].number, 3u);
  EXPECT_EQ(notes[1].sample_id, "a");
  remove_crash_note(run_, notes[1]);
  EXPECT_EQ(read_crash_notes(run_).size(), 1u);
}

TEST_F(CrashNoteTest, NoFolderIsNoNote) {
  std::filesystem::remove_all(run_.crashes());
  EXPECT_TRUE(read_crash_notes(run_).empty());
}

}  // namespace
}  // namespace lens::storage
