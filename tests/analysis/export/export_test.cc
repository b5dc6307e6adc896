#include "analysis/export/export.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "analysis/export/sample_block.h"
#include "analysis/export/sample_files.h"
#include "base/error.h"
#include "cli/export_command.h"
#include "cli/usage_error.h"
#include "tests/storage/fixtures.h"

namespace lens::analysis::tables {
namespace {

namespace fs = std::filesystem;
namespace fixtures = storage::fixtures;
using testing::HasSubstr;
using testing::Not;

class ExportTest : public testing::Test {
 protected:
  void merge(std::size_t missing_parts = 0,
             const fixtures::RunShape& shape = {}) {
    const storage::Manifest manifest = fixtures::make_manifest(shape);
    auto parts = fixtures::write_run(run_, manifest);
    parts.resize(parts.size() - missing_parts);
    storage::merge(run_, manifest, parts,
                   {.output = run_.results(),
                    .partial = missing_parts > 0,
                    .software = {.version = "1", .git_commit = ""},
                    .progress = {},
                    .after_step = {}});
  }

  ExportSummary export_all() {
    return export_tables(open_source(run_.results()),
                         {.csv = out_, .parquet = out_});
  }

  std::set<std::string> sample_files(const char* dataset) const {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(out_ / dataset / "samples"))
      names.insert(entry.path().filename());
    return names;
  }

  fixtures::TemporaryFolder folder_;
  storage::RunDirectory run_{folder_.path() / "run"};
  fs::path out_ = folder_.path() / "out";
};

TEST_F(ExportTest, AFailedSampleHasAReasonAndNoFile) {
  merge();
  const ExportSummary summary = export_all();
  EXPECT_EQ(summary.samples, 20);
  EXPECT_EQ(summary.samples_failed, 5);
  EXPECT_EQ(summary.sample_files, 30);
  EXPECT_EQ(sample_files("mtvqa").count("2.0.tokens.csv"), 1u);
  EXPECT_EQ(sample_files("mtvqa").count("3.0.tokens.csv"), 0u);
  EXPECT_EQ(sample_files("mtvqa").size(), 12u);
  EXPECT_THAT(fixtures::read_bytes(out_ / "mtvqa" / "samples.csv"),
              HasSubstr("\"failed\",\"the image is cut short\",NaN"));
}

TEST_F(ExportTest, NotesSayWhatIsNotInTheFile) {
  merge(1);
  export_all();
  const std::string notes = fixtures::read_bytes(out_ / "NOTES.txt");
  EXPECT_THAT(notes, HasSubstr("16 of 20 samples are in it"));
  EXPECT_THAT(notes, HasSubstr("4 of 16 samples failed"));
}

TEST_F(ExportTest, ADataSetWithoutSamplesGivesEmptyTables) {
  merge(3);  // all of latex_ocr
  export_all();
  const std::string samples =
      fixtures::read_bytes(out_ / "latex_ocr" / "samples.csv");
  EXPECT_EQ(std::count(samples.begin(), samples.end(), '\n'), 1);
  EXPECT_FALSE(fs::exists(out_ / "latex_ocr" / "samples"));
  EXPECT_TRUE(fs::exists(out_ / "latex_ocr" / "long.parquet"));
}

TEST_F(ExportTest, TheSameExportAgainGivesTheSameBytes) {
  merge();
  export_all();
  const auto bytes = [&](const char* name) {
    return fixtures::read_bytes(out_ / "mtvqa" / name);
  };
  fixtures::write_bytes(out_ / "mtvqa" / "mine.txt", "mine");
  const std::string csv = bytes("long.csv"), parquet = bytes("long.parquet");
  export_all();
  EXPECT_EQ(bytes("long.csv"), csv);
  EXPECT_EQ(bytes("long.parquet"), parquet);
  EXPECT_EQ(bytes("mine.txt"), "mine");
}

TEST_F(ExportTest, TheFolderOfAnotherRunIsRefused) {
  merge();
  export_all();
  const std::string before = fixtures::read_bytes(out_ / "NOTES.txt");
  fs::remove_all(run_.root());
  merge(0, {.latex_units = 1});
  EXPECT_THROW(export_all(), InputError);
  EXPECT_EQ(fixtures::read_bytes(out_ / "NOTES.txt"), before);
}

TEST_F(ExportTest, AnUnknownDataSetIsNamedWithThoseThereAre) {
  merge();
  try {
    export_tables(open_source(run_.results()),
                  {.csv = out_, .parquet = {}, .datasets = {"textvqa"}});
    FAIL();
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), HasSubstr("it has latex_ocr, mtvqa"));
  }
  EXPECT_FALSE(fs::exists(out_));
}

TEST_F(ExportTest, BlocksAreBoundedAndCoverEverySampleOnce) {
  merge();
  const storage::ResultsReader results(run_.results());
  std::int64_t next = 0, tokens = 0;
  for_each_block(
      results, "latex_ocr", fixtures::kVocabulary,
      [&](const SampleBlock& block) {
        EXPECT_EQ(block.first_sample, next);
        next += static_cast<std::int64_t>(block.samples.size());
        tokens += block.token_offset.back();
        EXPECT_TRUE(block.token_offset.back() <= 6 ||
                    block.samples.size() == 1);
      },
      6);
  EXPECT_EQ(next, results.dataset("latex_ocr").samples);
  EXPECT_EQ(tokens, results.dataset("latex_ocr").tokens);
}

TEST_F(ExportTest, AnIdBeyondTheVocabularyIsDamage) {
  merge();
  const storage::ResultsReader results(run_.results());
  EXPECT_THROW(read_block(results, "mtvqa", 10, 0, 4), StorageError);
}

TEST_F(ExportTest, TheCommandTellsWhatItWrote) {
  merge(1);
  std::ostringstream out;
  EXPECT_EQ(cli::export_command({.source = run_.root(),
                                 .csv = out_,
                                 .parquet = {},
                                 .datasets = {"mtvqa"},
                                 .samples = false},
                                out),
            0);
  EXPECT_THAT(out.str(), HasSubstr("partial snapshot"));
  EXPECT_THAT(out.str(), HasSubstr("out: 8 samples (2 failed), "));
  EXPECT_THAT(out.str(), Not(HasSubstr("files of samples")));
  EXPECT_FALSE(fs::exists(out_ / "mtvqa" / "samples"));
  EXPECT_FALSE(fs::exists(out_ / "latex_ocr"));
  EXPECT_THROW(cli::export_command({.source = run_.root()}, out),
               cli::UsageError);
}

TEST(FileNameOf, IsSafeAndDistinct) {
  EXPECT_EQ(file_name_of("12.0"), "12.0");
  EXPECT_EQ(file_name_of("12"), "12");
  EXPECT_EQ(file_name_of("../x"), "%2E.%2Fx");
  EXPECT_EQ(file_name_of(".."), "%2E.");
  EXPECT_EQ(file_name_of("a b"), "a%20b");
  EXPECT_EQ(file_name_of("a%20b"), "a%2520b");
  EXPECT_EQ(file_name_of(""), "%");
}

}  // namespace
}  // namespace lens::analysis::tables
