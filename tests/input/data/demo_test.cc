// The demo data is read as the real data sets would be.

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "input/data/dataset.h"

namespace lens::data {
namespace {

std::vector<Row> rows_of(const char* name, const char* split) {
  const std::filesystem::path folder =
      std::filesystem::path(LENS_SOURCE_DIR) / "demo" / "data" / name;
  const Dataset dataset(preset(name), find_split(folder, split).files);
  return dataset.read(0, dataset.rows(), {});
}

bool is_png(const Row& row) {
  return row.image.size() > 100 && row.image[1] == std::byte{'P'};
}

bool is_jpeg(const Row& row) {
  return row.image.size() > 100 && row.image[0] == std::byte{0xFF};
}

TEST(Demo, FormulasAreUsable) {
  EXPECT_EQ(rows_of("latex_ocr", "train").size(), 400U);
  const std::vector<Row> rows = rows_of("latex_ocr", "test");
  ASSERT_EQ(rows.size(), 40U);
  for (const Row& row : rows) {
    EXPECT_EQ(row.failure, "");
    EXPECT_TRUE(is_png(row)) << row.row;
    EXPECT_FALSE(row.questions.at(0).answers.at(0).empty());
  }
}

TEST(Demo, SignsCoverNineLanguages) {
  for (const char* split : {"train", "test"}) {
    std::map<std::string, int> languages;
    std::set<bool> kinds;
    for (const Row& row : rows_of("mtvqa", split)) {
      EXPECT_EQ(row.failure, "");
      EXPECT_TRUE(is_png(row) || is_jpeg(row)) << row.row;
      kinds.insert(is_png(row));
      ++languages[row.language];
      EXPECT_GE(row.questions.size(), 1U);
      EXPECT_LE(row.questions.size(), 3U);
    }
    EXPECT_EQ(languages.size(), 9U) << split;
    EXPECT_EQ(kinds.size(), 2U) << split;
    for (const auto& [language, count] : languages) {
      const int photos = language == "JA" ? 1 : 0;
      EXPECT_EQ(count, std::string(split) == "test" ? 4 : 30 + photos)
          << language;
    }
  }
}

}  // namespace
}  // namespace lens::data
