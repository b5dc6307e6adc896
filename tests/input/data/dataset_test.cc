#include "input/data/dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>

#include "base/error.h"

namespace lens::data {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::int64_t kRows = 11;

// The folder that write_parquet.py fills, once for all tests.
class ParquetFolder : public ::testing::Environment {
 public:
  void SetUp() override {
    std::string pattern =
        (fs::temp_directory_path() / "lens_dataset_XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    path = pattern;
    const std::string command =
        std::string("'") + LENS_PYTHON + "' '" + LENS_SOURCE_DIR +
        "/tests/input/data/write_parquet.py' '" + path.string() + "'";
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
  }
  void TearDown() override { fs::remove_all(path); }

  fs::path path;
};

ParquetFolder* const folder = static_cast<ParquetFolder*>(
    ::testing::AddGlobalTestEnvironment(new ParquetFolder));

std::vector<fs::path> files_in(const char* name) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder->path / name)) {
    files.push_back(entry.path());
  }
  return files;
}

// The same pattern as image_bytes() of write_parquet.py.
std::vector<std::byte> expected_image(std::int64_t row) {
  std::vector<std::byte> image;
  if (row == 4 || row == 8) return image;
  for (std::int64_t repeat = 0; repeat < 1 + 150 * row; ++repeat) {
    for (std::int64_t i = 0; i < 256; ++i) {
      image.push_back(static_cast<std::byte>((row * 31 + i) % 251));
    }
  }
  return image;
}

std::string expected_language(std::int64_t row) {
  const char* const kLanguages[] = {"AR", "DE", "FR", "IT", "JA",
                                    "KR", "RU", "TH", "VI"};
  return row == 5 ? "" : kLanguages[row % 9];
}

void expect_mtvqa_row(const Row& row, std::int64_t number,
                      std::int64_t source) {
  EXPECT_EQ(row.row, number);
  EXPECT_EQ(row.language, expected_language(source));
  EXPECT_EQ(row.image, expected_image(source));
  const bool unreadable = source == 2 || source == 3 || source == 6;
  EXPECT_EQ(row.failure.empty(), !unreadable && source != 4 && source != 8)
      << row.failure;
  if (unreadable) {
    EXPECT_TRUE(row.questions.empty());
    return;
  }
  ASSERT_EQ(row.questions.size(), 1 + static_cast<std::size_t>(source % 3));
  for (std::size_t i = 0; i < row.questions.size(); ++i) {
    const std::string which = std::to_string(source) + "." + std::to_string(i);
    EXPECT_EQ(row.questions[i].question,
              "q" + which + " \u0639\U0001f600 'it's\"\n");
    EXPECT_EQ(row.questions[i].answers.at(0), "a" + which);
  }
}

std::string error_of(const Description& description, const fs::path& file) {
  try {
    const Dataset dataset(description, {file});
    dataset.outline();
    dataset.read(0, dataset.rows(), {});
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

std::string bytes_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

fs::path write_bytes(const std::string& bytes) {
  const fs::path file = folder->path / "changed.parquet";
  std::ofstream(file, std::ios::binary) << bytes;
  return file;
}

TEST(Dataset, ReadsEveryEncodingAlike) {
  for (const fs::path& file : files_in("good")) {
    SCOPED_TRACE(file.filename());
    const Dataset dataset(preset("mtvqa"), {file});
    ASSERT_EQ(dataset.rows(), kRows);
    const std::vector<Row> rows = dataset.read(0, kRows, {});
    ASSERT_EQ(rows.size(), static_cast<std::size_t>(kRows));
    for (std::int64_t i = 0; i < kRows; ++i) {
      expect_mtvqa_row(rows[static_cast<std::size_t>(i)], i, i);
    }
  }
}

TEST(Dataset, ReadsFormulas) {
  for (const fs::path& file : files_in("latex")) {
    SCOPED_TRACE(file.filename());
    const Dataset dataset(preset("latex_ocr"), {file});
    const std::vector<Row> rows = dataset.read(0, kRows, {});
    ASSERT_EQ(rows.size(), static_cast<std::size_t>(kRows));
    EXPECT_EQ(rows[3].failure, "no formula (text is null)");
    EXPECT_EQ(rows[7].failure, "");
    EXPECT_EQ(rows[7].language, "");
    EXPECT_EQ(rows[7].image, expected_image(7));
    ASSERT_EQ(rows[7].questions.size(), 1U);
    EXPECT_EQ(rows[7].questions[0].question, "");
    EXPECT_EQ(rows[7].questions[0].answers.at(0), "\\frac { 7 } { \u03b2 }");
    EXPECT_EQ(dataset.outline().size(), static_cast<std::size_t>(kRows));
  }
}

TEST(Dataset, OutlineCountsTheSamplesThatReadingGives) {
  for (const fs::path& file : files_in("good")) {
    SCOPED_TRACE(file.filename());
    const Dataset dataset(preset("mtvqa"), {file});
    const std::vector<RowOutline> outline = dataset.outline();
    const std::vector<Row> rows = dataset.read(0, kRows, {});
    ASSERT_EQ(outline.size(), rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      EXPECT_EQ(outline[i].row, rows[i].row);
      EXPECT_EQ(outline[i].language, rows[i].language);
      EXPECT_EQ(static_cast<std::size_t>(outline[i].samples),
                std::max<std::size_t>(1, rows[i].questions.size()));
    }
  }
}

TEST(Dataset, RangesCrossRowGroupsAndFiles) {
  const fs::path good = folder->path / "good";
  const Dataset dataset(preset("mtvqa"), {good / "row_groups_of_3.parquet",
                                          good / "row_groups_of_5.parquet"});
  ASSERT_EQ(dataset.rows(), 2 * kRows);
  // Backwards as well: the row group in memory is then not the one wanted.
  for (std::int64_t begin = 2 * kRows; begin >= 0; --begin) {
    for (const std::int64_t length : {0, 1, 2, 7, 20}) {
      const std::int64_t end = std::min(begin + length, 2 * kRows);
      const std::vector<Row> rows = dataset.read(begin, end, {});
      ASSERT_EQ(static_cast<std::int64_t>(rows.size()), end - begin);
      for (std::int64_t n = begin; n < end; ++n) {
        expect_mtvqa_row(rows[static_cast<std::size_t>(n - begin)], n,
                         n % kRows);
      }
    }
  }
}

TEST(Dataset, LanguagesChooseRows) {
  const Dataset dataset(preset("mtvqa"),
                        {folder->path / "good" / "row_groups_of_3.parquet"});
  std::vector<std::int64_t> numbers;
  for (const Row& row : dataset.read(0, kRows, {"DE", "TH"})) {
    numbers.push_back(row.row);
  }
  EXPECT_THAT(numbers, ::testing::ElementsAre(1, 7, 10));
  EXPECT_TRUE(dataset.read(0, kRows, {"EN"}).empty());
}

TEST(Dataset, BrokenRowsSayWhyAndKeepTheirNeighbours) {
  const Dataset dataset(preset("mtvqa"),
                        {folder->path / "good" / "codec_snappy.parquet"});
  const std::vector<Row> rows = dataset.read(0, kRows, {});
  EXPECT_THAT(rows[2].failure,
              AllOf(HasSubstr("qa_pairs cannot be read"),
                    HasSubstr("character 19: expected a closing quote")));
  EXPECT_THAT(rows[3].failure, HasSubstr("qa_pairs is null"));
  EXPECT_THAT(rows[4].failure, HasSubstr("only the name '4.jpg' is stored"));
  EXPECT_THAT(rows[6].failure, HasSubstr("empty list"));
  EXPECT_THAT(rows[8].failure, HasSubstr("image is null"));
  EXPECT_EQ(rows[4].questions.size(), 2U);
  EXPECT_EQ(rows[7].failure, "");
}

TEST(Dataset, TextThatIsNotUtf8FailsItsRowAlone) {
  const Dataset dataset(preset("mtvqa"),
                        {folder->path / "bad" / "not_utf8.parquet"});
  const std::vector<Row> rows = dataset.read(0, 2, {});
  EXPECT_EQ(rows[0].language, "DE");
  EXPECT_EQ(rows[0].failure, "");
  EXPECT_EQ(rows[1].language, "");
  EXPECT_EQ(rows[1].failure, "lang is not UTF-8");
}

TEST(Dataset, DamagedRowGroupFailsItsRowsAlone) {
  const fs::path bad = folder->path / "bad";
  for (const char* column : {"image.bytes", "qa_pairs"}) {
    SCOPED_TRACE(column);
    const std::string name = std::string("damaged_") + column + ".parquet";
    const Dataset dataset(preset("mtvqa"), {bad / name});
    const std::vector<RowOutline> outline = dataset.outline();
    const std::vector<Row> rows = dataset.read(0, kRows, {});
    ASSERT_EQ(rows.size(), outline.size());
    for (std::int64_t i = 0; i < kRows; ++i) {
      const Row& row = rows[static_cast<std::size_t>(i)];
      const bool is_hit = i >= 3 && i < 6;
      if (!is_hit) expect_mtvqa_row(row, i, i);
      EXPECT_EQ(outline[static_cast<std::size_t>(i)].samples,
                std::max<std::size_t>(1, row.questions.size()));
      if (!is_hit || row.failure == "no question (qa_pairs is null)") continue;
      // By the file's name alone: the same reason wherever it lies.
      EXPECT_THAT(row.failure,
                  AllOf(HasSubstr("row group 1"), HasSubstr(" of damaged_"),
                        Not(HasSubstr("\n"))));
    }
  }
}

TEST(Dataset, NoRowsIsADataset) {
  const Dataset dataset(preset("mtvqa"),
                        {folder->path / "bad" / "no_rows.parquet"});
  EXPECT_EQ(dataset.rows(), 0);
  EXPECT_TRUE(dataset.outline().empty());
  EXPECT_TRUE(dataset.read(0, 0, {}).empty());
  EXPECT_THROW(dataset.read(0, 1, {}), InputError);
}

TEST(Dataset, MissingColumnNamesThosePresent) {
  const fs::path bad = folder->path / "bad";
  EXPECT_THAT(error_of(preset("mtvqa"), bad / "no_image.parquet"),
              AllOf(HasSubstr("no column 'image'"),
                    HasSubstr("columns: qa_pairs, lang, id)")));
  EXPECT_THAT(error_of(preset("mtvqa"), bad / "no_lang.parquet"),
              HasSubstr("no column 'lang'"));
  EXPECT_THAT(
      error_of(preset("latex_ocr"), folder->path / "good/large.parquet"),
      AllOf(HasSubstr("no column 'text'"), HasSubstr("qa_pairs")));
  EXPECT_THAT(error_of(preset("mtvqa"), bad / "twice.parquet"),
              HasSubstr("more than one column 'lang'"));
}

TEST(Dataset, WrongTypeIsNamed) {
  const fs::path bad = folder->path / "bad";
  EXPECT_THAT(
      error_of(preset("mtvqa"), bad / "number_pairs.parquet"),
      AllOf(HasSubstr("column 'qa_pairs'"), HasSubstr("int64 instead")));
  EXPECT_THAT(error_of(preset("mtvqa"), bad / "number_bytes.parquet"),
              HasSubstr("struct<bytes: int64> instead"));
}

TEST(Dataset, ImageMayBeBytesWithoutAName) {
  const Dataset dataset(preset("mtvqa"),
                        {folder->path / "bad" / "flat_image.parquet"});
  const std::vector<Row> rows = dataset.read(0, 1, {});
  EXPECT_EQ(rows[0].image, std::vector{std::byte{'x'}});
  EXPECT_EQ(rows[0].failure, "");
}

struct Known {
  const char* name;
  const char* id;
  const char* language;
  const char* question;
  std::vector<std::string> answers;
  const char* failure;  // of the second row
};

TEST(Dataset, KnownDataSetsAreReadInTheirOwnSchemas) {
  const Known kKnown[] = {
      {"textvqa", "34602", "", "what is it?",
       std::vector<std::string>(10, "nous"),
       "no answer (answers is an empty list)"},
      {"docvqa",
       "49153",
       "",
       "Where?",
       {"0.28", "0,28"},
       "no answer (answers is null)"},
      {"chartqa", "0", "human_test", "How many?", {"14"}, ""},
      {"vqav2",
       "262148000",
       "",
       "Where is it?",
       {"table", "desk"},
       "no answer (answers is null)"},
      {"ocrbench",
       "0",
       "Regular Text Recognition",
       "what is written?",
       {"CENTRE"},
       "no answer (answer is an empty list)"},
  };
  for (const Known& known : kKnown) {
    for (const char* order : {"", "_shuffled"}) {
      const std::string name = known.name + std::string(order);
      SCOPED_TRACE(name);
      const Dataset dataset(preset(known.name),
                            {folder->path / "known" / (name + ".parquet")});
      const std::vector<Row> rows = dataset.read(0, 2, {});
      EXPECT_EQ(rows[0].failure, "");
      EXPECT_EQ(rows[0].key, known.id);
      EXPECT_EQ(rows[0].language, known.language);
      EXPECT_EQ(rows[0].image.size(), 3U);
      ASSERT_EQ(rows[0].questions.size(), 1U);
      EXPECT_EQ(rows[0].questions[0].question, known.question);
      EXPECT_EQ(rows[0].questions[0].answers, known.answers);
      EXPECT_EQ(rows[1].failure, known.failure);
    }
  }
}

TEST(Dataset, FilesThatAreNotParquetAreRefusedInOneLine) {
  const fs::path bad = folder->path / "bad";
  for (const char* name : {"empty.parquet", "foreign.parquet",
                           "magic_only.parquet", "none.parquet", "."}) {
    const std::string message = error_of(preset("mtvqa"), bad / name);
    EXPECT_THAT(message, AllOf(HasSubstr("cannot read"), HasSubstr(name),
                               Not(HasSubstr("\n"))));
  }
}

TEST(Dataset, TruncatedFileIsRefusedAtEveryLength) {
  const std::string whole = bytes_of(folder->path / "latex" / "groups.parquet");
  for (std::size_t length = 0; length < whole.size();
       length += 1 + whole.size() / 97) {
    EXPECT_NE(
        error_of(preset("latex_ocr"), write_bytes(whole.substr(0, length))), "")
        << length;
  }
}

// Whatever bytes are changed: rows or an InputError, nothing else. The footer
// is where counts, offsets and lengths are forged. LENS_FUZZ_ROUNDS makes a
// longer hunt of it.
TEST(Dataset, ChangedBytesNeverCrash) {
  const char* const given = std::getenv("LENS_FUZZ_ROUNDS");
  const int rounds = given == nullptr ? 1 : std::max(1, std::atoi(given));
  std::mt19937 random(7);
  int refused = 0;
  const auto attack = [&](const std::string& whole, std::size_t first) {
    std::string changed = whole;
    const std::size_t changes = 1 + random() % 3;
    for (std::size_t i = 0; i < changes; ++i) {
      const std::size_t at = first + random() % (whole.size() - first);
      changed[at] = static_cast<char>(random());
    }
    try {
      const Dataset dataset(preset("mtvqa"), {write_bytes(changed)});
      const std::int64_t rows = dataset.rows();
      for (const RowOutline& row : dataset.outline()) {
        ASSERT_LT(row.row, rows);
      }
      dataset.read(0, rows, {});
    } catch (const InputError& error) {
      EXPECT_THAT(error.what(), Not(HasSubstr("\n")));
      ++refused;
    }
  };
  for (const char* name : {"pages_2.0_dictionary.parquet",
                           "row_groups_of_3.parquet", "small_pages.parquet"}) {
    const std::string whole = bytes_of(folder->path / "good" / name);
    for (int i = 0; i < 10 * rounds; ++i) attack(whole, 0);
    for (int i = 0; i < 40 * rounds; ++i) {
      attack(whole, whole.size() - 3000);
    }
  }
  EXPECT_GT(refused, 10);
}

TEST(Dataset, ForgedCountIsRefused) {
  std::string whole = bytes_of(folder->path / "latex" / "plain.parquet");
  // The footer's first field after the schema is num_rows: the compact form of
  // 11 is one byte, 22. Every such byte of the footer is tried.
  int refused = 0;
  for (std::size_t at = whole.size() - 3500; at < whole.size() - 8; ++at) {
    if (whole[at] != 22) continue;
    std::string forged = whole;
    forged[at] = 126;  // 63 rows
    if (!error_of(preset("latex_ocr"), write_bytes(forged)).empty()) {
      ++refused;
    }
  }
  EXPECT_GE(refused, 2);
}

TEST(Dataset, ReadingStartsNoThreads) {
  const auto threads = [] {
    return std::distance(fs::directory_iterator("/proc/self/task"), {});
  };
  const auto before = threads();
  const Dataset dataset(preset("mtvqa"),
                        {folder->path / "good" / "codec_zstd.parquet"});
  dataset.read(0, dataset.rows(), {});
  EXPECT_EQ(threads(), before);
}

TEST(Dataset, ConsecutiveReadsDecodeARowGroupOnce) {
  const fs::path file = folder->path / "copy.parquet";
  fs::copy_file(folder->path / "good" / "codec_snappy.parquet", file,
                fs::copy_options::overwrite_existing);
  const Dataset dataset(preset("mtvqa"), {file});
  dataset.read(0, 2, {});
  // With the pages gone, only what was decoded before can be given.
  fs::resize_file(file, 4);
  const std::vector<Row> rows = dataset.read(2, kRows, {});
  expect_mtvqa_row(rows.back(), kRows - 1, kRows - 1);
}

TEST(Dataset, NeedsAFile) {
  EXPECT_THROW(Dataset(preset("mtvqa"), {}), InputError);
}

}  // namespace
}  // namespace lens::data
