#include "analysis/report/pictures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/sha256.h"
#include "tests/storage/fixtures.h"

namespace lens::analysis::report {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

// A manifest of the demo's formulas, copied to a folder of the test.
class PicturesTest : public testing::Test {
 protected:
  PicturesTest() : file_(folder_.path() / "0.parquet") {
    fs::copy_file(fs::path(LENS_SOURCE_DIR) /
                      "demo/data/latex_ocr/test-00000-of-00001.parquet",
                  file_);
    manifest_.datasets.push_back(
        {.name = "latex_ocr",
         .path = folder_.path().string(),
         .files = {{.path = file_.string(),
                    .bytes = static_cast<std::int64_t>(fs::file_size(file_)),
                    .modified_ns = 1,  // another: the hash decides
                    .sha256 = sha256_file(file_)}},
         .samples = 40});
  }

  Pictures read(std::vector<PictureRequest> requests) const {
    return read_pictures(manifest_, "latex_ocr", requests);
  }

  storage::fixtures::TemporaryFolder folder_;
  fs::path file_;
  storage::Manifest manifest_;
};

TEST_F(PicturesTest, AreReadFromTheDataSetInTheOrderAskedFor) {
  const Pictures pictures = read({{.source_row = 7}, {.source_row = 2}});
  EXPECT_EQ(pictures.missing, "");
  ASSERT_EQ(pictures.thumbnails.size(), 2u);
  for (const Thumbnail& thumbnail : pictures.thumbnails)
    EXPECT_NE(thumbnail.uri, "") << thumbnail.reason;
  EXPECT_EQ(read({{.source_row = 2}}).thumbnails[0].uri,
            pictures.thumbnails[1].uri);
}

TEST_F(PicturesTest, OfAFileThatIsGoneAreMissing) {
  fs::remove(file_);
  const Pictures pictures = read({{.source_row = 7}});
  EXPECT_THAT(pictures.missing, HasSubstr("is gone"));
  EXPECT_THAT(pictures.thumbnails[0].reason, HasSubstr("is gone"));
}

TEST_F(PicturesTest, OfAFileThatWasChangedAreMissing) {
  std::string bytes = storage::fixtures::read_bytes(file_);
  bytes[bytes.size() / 2] ^= 1;
  storage::fixtures::write_bytes(file_, bytes);
  EXPECT_THAT(read({{.source_row = 7}}).missing,
              HasSubstr("was changed since the run"));
  storage::fixtures::write_bytes(file_, bytes + "x");
  EXPECT_THAT(read({{.source_row = 7}}).missing,
              HasSubstr("was changed since the run"));
}

TEST_F(PicturesTest, OfAnotherSizeThanInTheRunIsNotShown) {
  const Pictures pictures =
      read({{.source_row = 0, .width = 9999, .height = 1}});
  EXPECT_EQ(pictures.thumbnails[0].uri, "");
  EXPECT_THAT(pictures.thumbnails[0].reason, HasSubstr("was 9999 x 1"));
}

TEST_F(PicturesTest, OfARowThatIsNotThereSaysSo) {
  const Pictures pictures = read({{.source_row = 1'000'000}});
  EXPECT_EQ(pictures.thumbnails[0].reason, "the data set has no such row");
}

TEST_F(PicturesTest, OfADataSetThatIsNotNamedAreMissing) {
  const std::vector<PictureRequest> requests = {{.source_row = 0}};
  EXPECT_NE(read_pictures(manifest_, "mtvqa", requests).missing, "");
}

}  // namespace
}  // namespace lens::analysis::report
