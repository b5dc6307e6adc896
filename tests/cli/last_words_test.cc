#include "cli/last_words.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/cli/scratch_folder.h"

namespace lens::cli {
namespace {

constexpr char kRuler[] =
    "----------------------------------------------------------------------\n";

class LastWordsTest : public testing::Test {
 protected:
  void write(const std::string& text) {
    std::ofstream(log(), std::ios::app) << text;
  }
  std::filesystem::path log() const { return folder_ / "log"; }

  ScratchFolder folder_;
};

TEST_F(LastWordsTest, RulersAndEmptyLinesAreLeftOut) {
  write("one\n\n------\ntwo\nthree\n");
  EXPECT_EQ(last_lines(log(), 2), "  two\n  three\n");
  EXPECT_EQ(last_lines(folder_ / "none", 2), "");
}

TEST_F(LastWordsTest, WordsOfTheWorkerComeBeforeThoseOfTheLauncher) {
  write("2026-01-02 03:04:05 error no weights\n" + std::string(kRuler) +
        "mpirun detected that one or more processes exited\n" + kRuler +
        kRuler + "Primary job terminated normally\n" + kRuler);
  EXPECT_EQ(last_words(log(), 0, 6),
            "  2026-01-02 03:04:05 error no weights\n");
}

TEST_F(LastWordsTest, LauncherIsQuotedWhereNobodyElseSpoke) {
  write(std::string(kRuler) + "There are not enough slots\n" + kRuler);
  EXPECT_EQ(last_words(log(), 0, 6), "  There are not enough slots\n");
}

TEST_F(LastWordsTest, WordsOfAnEarlierCommandAreNotQuoted) {
  write("out of memory\n");
  const std::int64_t begin = log_bytes(log());
  EXPECT_EQ(last_words(log(), begin, 6), "");
  write("no weights\n");
  EXPECT_EQ(last_words(log(), begin, 6), "  no weights\n");
}

TEST_F(LastWordsTest, LastLineIsOneLine) {
  EXPECT_EQ(last_line("  two\n  three\n"), "three");
  EXPECT_EQ(last_line("  one\n"), "one");
  EXPECT_EQ(last_line(""), "");
}

}  // namespace
}  // namespace lens::cli
