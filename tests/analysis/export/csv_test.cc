#include "analysis/export/csv.h"

#include <gtest/gtest.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <limits>
#include <random>
#include <sstream>

#include "analysis/export/rows.h"
#include "base/error.h"
#include "tests/storage/fixtures.h"

namespace lens::analysis::tables {
namespace {

namespace fixtures = storage::fixtures;

TEST(CsvText, QuotesAllTextAndNoNumber) {
  EXPECT_EQ(csv_text({"a\"b,c\nd", "", "count", "share"},
                     {{"a\"b,c\nd", "NA"},
                      {"", "nan"},
                      {std::int64_t{-3}, std::int64_t{0}},
                      {0.1f, 1.0f}}),
            "\"a\"\"b,c\nd\",\"\",\"count\",\"share\"\r\n"
            "\"a\"\"b,c\nd\",\"\",-3,0.1\r\n\"NA\",\"nan\",0,1\r\n");
}

TEST(CsvText, WritesWhatIsMissingAsNaN) {
  const float none = std::numeric_limits<float>::quiet_NaN();
  const float infinite = std::numeric_limits<float>::infinity();
  EXPECT_EQ(csv_text({"f", "d", "i", "t", "all"},
                     {{none, -infinite, std::nullopt},
                      {-std::nan(""), 0.5, std::nullopt},
                      {std::nullopt, std::int64_t{2}, std::int64_t{3}},
                      {"a", std::nullopt, ""},
                      {std::nullopt, std::nullopt, std::nullopt}}),
            "\"f\",\"d\",\"i\",\"t\",\"all\"\r\n"
            "NaN,NaN,NaN,\"a\",NaN\r\n"
            "-inf,0.5,2,NaN,NaN\r\n"
            "NaN,NaN,3,\"\",NaN\r\n");
}

TEST(CsvText, WithoutRecordsIsAHeader) {
  EXPECT_EQ(csv_text({"a", "b"}, {{}, {}}), "\"a\",\"b\"\r\n");
}

TEST(CsvText, EveryFloatReadsBackAsItWas) {
  std::mt19937 engine(7);
  std::vector<CsvValue> values;
  while (values.size() < 20000) {
    const auto value =
        std::bit_cast<float>(static_cast<std::uint32_t>(engine()));
    if (std::isfinite(value)) values.emplace_back(value);
  }
  std::istringstream lines(csv_text({"f"}, {values}));
  std::string line;
  std::getline(lines, line);
  for (const CsvValue& value : values) {
    ASSERT_TRUE(std::getline(lines, line));
    float back = 0;
    std::from_chars(line.data(), line.data() + line.size(), back);
    ASSERT_EQ(back, std::get<float>(*value)) << line;
    ASSERT_LE(line.size(), 17u) << line;  // with its CR
  }
}

// A table of one text.
std::shared_ptr<arrow::RecordBatch> one_text() {
  Rows rows(arrow::schema({column("c", arrow::utf8())}));
  rows.text("x");
  return rows.take();
}

TEST(CsvFile, AppearsWholeOrNotAtAll) {
  const fixtures::TemporaryFolder folder;
  const auto path = folder.path() / "a" / "b.csv";
  const auto batch = one_text();
  {
    CsvFile file(path, batch->schema());
    file.write(*batch);
    EXPECT_FALSE(std::filesystem::exists(path));
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path() / "a"));
  write_csv(path, *batch);
  EXPECT_EQ(fixtures::read_bytes(path), "\"c\"\r\n\"x\"\r\n");
  EXPECT_FALSE(std::filesystem::exists(path.string() + ".tmp"));
}

TEST(CsvFile, SaysThatTheDiskIsFull) {
  const fixtures::TemporaryFolder folder;
  const auto path = folder.path() / "x.csv";
  std::filesystem::create_symlink("/dev/full", path.string() + ".tmp");
  try {
    write_csv(path, *one_text());
    FAIL();
  } catch (const StorageError& error) {
    EXPECT_NE(std::string(error.what()).find("No space left on device"),
              std::string::npos)
        << error.what();
  }
  EXPECT_FALSE(std::filesystem::exists(path));
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
