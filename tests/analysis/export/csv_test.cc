#include "analysis/export/csv.h"

#include <gtest/gtest.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <limits>
#include <random>

#include "base/error.h"
#include "tests/storage/fixtures.h"

namespace lens::analysis::tables {
namespace {

namespace fixtures = storage::fixtures;

TEST(CsvRecords, QuoteAllTextAndNoNumber) {
  CsvRecords records;
  records.text("a\"b,c\nd").text("").number(std::int32_t{-3}).number(0.1f);
  records.end_record();
  records.text("NA").end_record();
  EXPECT_EQ(records.content(), "\"a\"\"b,c\nd\",\"\",-3,0.1\r\n\"NA\"\r\n");
}

TEST(CsvRecords, WriteMissingNumbersAsNaN) {
  CsvRecords records;
  records.number(std::numeric_limits<float>::quiet_NaN())
      .number(-std::nan(""))
      .number(-std::numeric_limits<float>::infinity());
  EXPECT_EQ(records.content(), "NaN,NaN,-inf");
}

TEST(CsvRecords, EveryFloatReadsBackAsItWas) {
  std::mt19937 engine(7);
  for (int i = 0; i < 20000; ++i) {
    const float value =
        std::bit_cast<float>(static_cast<std::uint32_t>(engine()));
    if (!std::isfinite(value)) continue;
    CsvRecords records;
    records.number(value);
    const std::string& text = records.content();
    float back = 0;
    std::from_chars(text.data(), text.data() + text.size(), back);
    ASSERT_EQ(back, value) << text;
    ASSERT_LE(text.size(), 15u) << text;
  }
}

TEST(TableFile, AppearsWholeOrNotAtAll) {
  const fixtures::TemporaryFolder folder;
  const auto path = folder.path() / "a" / "b.csv";
  {
    CsvFile file(path);
    file.records().text("x");
    file.end_record();
    EXPECT_FALSE(std::filesystem::exists(path));
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path() / "a"));
  CsvFile file(path);
  file.records().text("x");
  file.end_record();
  file.commit();
  EXPECT_EQ(fixtures::read_bytes(path), "\"x\"\r\n");
  EXPECT_FALSE(std::filesystem::exists(path.string() + ".tmp"));
}

TEST(TableFile, SaysWhatCannotBeMade) {
  const fixtures::TemporaryFolder folder;
  fixtures::write_bytes(folder.path() / "file", "");
  try {
    TableFile file(folder.path() / "file" / "x.csv");
    FAIL();
  } catch (const StorageError& error) {
    EXPECT_NE(std::string(error.what()).find("Not a directory"),
              std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace lens::analysis::tables
