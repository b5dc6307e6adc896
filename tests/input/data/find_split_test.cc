#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "input/data/dataset.h"

namespace lens::data {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class FindSplit : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern =
        (fs::temp_directory_path() / "lens_split_XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    top_ = pattern;
  }
  void TearDown() override { fs::remove_all(top_); }

  void touch(const std::string& name) {
    fs::create_directories((top_ / name).parent_path());
    std::ofstream(top_ / name) << "x";
  }

  std::vector<std::string> find(const std::string& split,
                                const std::string& below = "") {
    std::vector<std::string> names;
    for (const fs::path& file : find_split(top_ / below, split).files) {
      names.push_back(fs::relative(file, top_).string());
    }
    return names;
  }

  std::vector<std::string> notes(const std::string& split,
                                 const std::string& below = "") {
    return find_split(top_ / below, split).notes;
  }

  std::string error(const std::string& split, const std::string& below = "") {
    try {
      find(split, below);
    } catch (const InputError& failure) {
      return failure.what();
    }
    return "";
  }

  fs::path top_;
};

TEST_F(FindSplit, LinksToNothingAreNoPictures) {
  touch("test/a.png");
  fs::create_symlink("nowhere.png", top_ / "test/b.png");
  const SplitFiles found = find_data(top_, "test");
  EXPECT_THAT(found.files, ElementsAre(top_ / "test/a.png"));
  ASSERT_EQ(found.notes.size(), 2U);
  EXPECT_THAT(found.notes[0], HasSubstr("1 pictures in"));
  EXPECT_THAT(found.notes[1], HasSubstr("1 names in"));
}

TEST_F(FindSplit, AFileIsItself) {
  touch("some.parquet");
  EXPECT_THAT(find("test", "some.parquet"), ElementsAre("some.parquet"));
}

TEST_F(FindSplit, FilesComeInTheOrderOfTheirNumbers) {
  for (const char* index : {"00002", "00000", "00001"}) {
    touch(std::string("data/test-") + index + "-of-00003.parquet");
    touch(std::string("data/train-") + index + "-of-00003.parquet");
  }
  const auto inside = ElementsAre("data/test-00000-of-00003.parquet",
                                  "data/test-00001-of-00003.parquet",
                                  "data/test-00002-of-00003.parquet");
  EXPECT_THAT(find("test"), inside);
  EXPECT_THAT(find("test", "data"), inside);
}

TEST_F(FindSplit, NamesWithAFingerprintAreTaken) {
  touch("train-00000-of-00001-b42a775f407cee45.parquet");
  EXPECT_EQ(find("train").size(), 1U);
}

TEST_F(FindSplit, FolderOfOtherNamesIsTakenSorted) {
  touch("b.parquet");
  touch("a.parquet");
  touch("notes.txt");
  touch(".hidden.parquet");
  EXPECT_THAT(find("test"), ElementsAre("a.parquet", "b.parquet"));
  EXPECT_THAT(notes("test"),
              ElementsAre(HasSubstr("--split test is not used")));
  touch("test-00000-of-00001.parquet");
  EXPECT_THAT(notes("test"), ElementsAre(AllOf(HasSubstr("2 Parquet files"),
                                               HasSubstr("left out"))));
}

TEST_F(FindSplit, FullIsTakenAmongConfigurations) {
  for (const char* config : {"full", "small", "human_handwrite"}) {
    touch(std::string(config) + "/test-00000-of-00001.parquet");
  }
  touch("small/validation-00000-of-00001.parquet");
  EXPECT_THAT(find("test"), ElementsAre("full/test-00000-of-00001.parquet"));
  EXPECT_THAT(notes("test"),
              ElementsAre(AllOf(HasSubstr("that of full/"),
                                HasSubstr("full, human_handwrite, small"))));
  EXPECT_THAT(find("test", "small"),
              ElementsAre("small/test-00000-of-00001.parquet"));
  EXPECT_THAT(notes("test", "small"), IsEmpty());
  EXPECT_THAT(find("validation"),
              ElementsAre("small/validation-00000-of-00001.parquet"));
}

TEST_F(FindSplit, DataIsTakenBeforeOtherFoldersButNotBesideFull) {
  touch("data/test-00000-of-00001.parquet");
  EXPECT_THAT(notes("test"), IsEmpty());
  touch("small/test-00000-of-00001.parquet");
  EXPECT_THAT(find("test"), ElementsAre("data/test-00000-of-00001.parquet"));
  EXPECT_THAT(notes("test"), ElementsAre(HasSubstr("that of data/")));
  touch("full/test-00000-of-00001.parquet");
  EXPECT_THAT(error("test"), AllOf(HasSubstr("several configurations"),
                                   HasSubstr("(data, full, small)")));
}

TEST_F(FindSplit, SplitThatIsThereAsFilesAndAsAFolderIsRefused) {
  touch("test-00000-of-00001.parquet");
  touch("test/0000.parquet");
  EXPECT_THAT(error("test"), HasSubstr("split 'test' is there twice"));
}

TEST_F(FindSplit, FileOfAnotherSplitIsReadAndThatIsSaid) {
  touch("train-00001-of-00007.parquet");
  EXPECT_EQ(find("test", "train-00001-of-00007.parquet").size(), 1U);
  EXPECT_THAT(notes("test", "train-00001-of-00007.parquet"),
              ElementsAre(AllOf(HasSubstr("--split test is not used"),
                                HasSubstr("one of 7 files"))));
  touch("test-00000-of-00001.parquet");
  EXPECT_THAT(notes("test", "test-00000-of-00001.parquet"), IsEmpty());
}

TEST_F(FindSplit, LinkIntoNothingIsNamed) {
  fs::create_directories(top_ / "data");
  fs::create_symlink("../../blobs/0a",
                     top_ / "data/test-00000-of-00001.parquet");
  EXPECT_THAT(error("test"), AllOf(HasSubstr("link into nothing"),
                                   HasSubstr("../../blobs/0a")));
  fs::create_symlink("away", top_ / "single.parquet");
  EXPECT_THAT(error("test", "single.parquet"), HasSubstr("link into nothing"));
}

TEST_F(FindSplit, SeveralConfigurationsAreListed) {
  touch("small/test-00000-of-00001.parquet");
  touch("large/test-00000-of-00001.parquet");
  EXPECT_THAT(error("test"), AllOf(HasSubstr("several configurations"),
                                   HasSubstr("(large, small)")));
}

TEST_F(FindSplit, MissingSplitNamesThoseThere) {
  touch("data/train-00000-of-00001.parquet");
  touch("data/validation-00000-of-00001.parquet");
  EXPECT_THAT(error("test"), HasSubstr("splits found: train, validation"));
  EXPECT_THAT(error("test", "data"),
              HasSubstr("splits found: train, validation"));
}

TEST_F(FindSplit, HalfADownloadIsRefused) {
  touch("data/test-00000-of-00003.parquet");
  touch("data/test-00002-of-00003.parquet");
  EXPECT_THAT(error("test"), AllOf(HasSubstr("not complete"),
                                   HasSubstr("first one missing is number 1")));
}

TEST_F(FindSplit, HalfADownloadOfAnotherSplitIsNoMatter) {
  touch("data/test-00000-of-00001.parquet");
  touch("data/train-00000-of-00003.parquet");
  EXPECT_EQ(find("test").size(), 1U);
}

TEST_F(FindSplit, TwoDivisionsAreRefused) {
  touch("test-00000-of-00001.parquet");
  touch("test-00000-of-00002.parquet");
  touch("test-00001-of-00002.parquet");
  EXPECT_THAT(error("test"), HasSubstr("two divisions"));
}

TEST_F(FindSplit, ConvertedLayoutIsTaken) {
  touch("default/train/0000.parquet");
  touch("default/train/0001.parquet");
  touch("default/test/0000.parquet");
  EXPECT_THAT(find("train"), ElementsAre("default/train/0000.parquet",
                                         "default/train/0001.parquet"));
}

TEST_F(FindSplit, CacheFolderLeadsToItsMainRevision) {
  touch("refs/main");
  std::ofstream(top_ / "refs/main") << "abc\n";
  touch("snapshots/abc/data/test-00000-of-00001.parquet");
  touch("snapshots/old/data/test-00000-of-00001.parquet");
  EXPECT_THAT(find("test"),
              ElementsAre("snapshots/abc/data/test-00000-of-00001.parquet"));
  std::ofstream(top_ / "refs/main") << "gone\n";
  EXPECT_THAT(error("test"), HasSubstr("refs/main names gone"));
}

TEST_F(FindSplit, MissingPathAndEmptyFolderSayWhatIsMissing) {
  EXPECT_THAT(error("test", "nowhere"), HasSubstr("no such file or folder"));
  EXPECT_THAT(error("test"), HasSubstr("splits found: none"));
}

}  // namespace
}  // namespace lens::data
