#include "storage/reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "fixtures.h"
#include "storage/verify.h"

namespace lens::storage {
namespace {

class ReaderTest : public testing::Test {
 protected:
  ReaderTest() {
    MergeOptions options;
    options.output = run_.results();
    merge(run_, manifest_, fixtures::write_run(run_, manifest_), options);
    reader_ = std::make_unique<ResultsReader>(run_.results());
  }

  fixtures::TemporaryFolder folder_;
  RunDirectory run_{folder_.path()};
  Manifest manifest_ = fixtures::make_manifest();
  std::unique_ptr<ResultsReader> reader_;
};

TEST_F(ReaderTest, ListsDatasetsAndShapes) {
  ASSERT_EQ(reader_->datasets().size(), 2u);
  EXPECT_EQ(reader_->datasets()[0].name, "latex_ocr");
  EXPECT_EQ(reader_->datasets()[1].name, "mtvqa");
  EXPECT_EQ(reader_->dataset("mtvqa").samples, 8);
  const std::int64_t tokens = reader_->dataset("mtvqa").tokens;
  EXPECT_THAT(reader_->shape("mtvqa", "top_id"),
              testing::ElementsAre(tokens, 5, 3));
  EXPECT_THAT(reader_->shape("mtvqa", "token_offset"), testing::ElementsAre(9));
  EXPECT_TRUE(reader_->has("mtvqa", "entropy"));
  EXPECT_FALSE(reader_->has("mtvqa", "hidden"));
  EXPECT_EQ(reader_->columns("mtvqa").front(), "sample_id");
}

TEST_F(ReaderTest, PieceIsTheSliceOfTheWhole) {
  const auto whole = reader_->read_all<float>("latex_ocr", "entropy");
  const auto rows = static_cast<std::int64_t>(whole.size()) / 5;
  for (const auto& [begin, end] : {std::pair<std::int64_t, std::int64_t>{0, 0},
                                   {0, 1},
                                   {2, 7},
                                   {rows - 1, rows},
                                   {rows, rows}}) {
    const auto piece = reader_->read<float>("latex_ocr", "entropy", begin, end);
    EXPECT_EQ(piece, std::vector<float>(whole.begin() + begin * 5,
                                        whole.begin() + end * 5));
  }
  EXPECT_THAT(reader_->read<std::string>("mtvqa", "sample_id", 1, 3),
              testing::ElementsAre("1.0", "2.0"));
}

TEST_F(ReaderTest, MeanEntropyIsOverOkSamplesWithAnswers) {
  std::vector<double> expected(5, 0.0);
  int count = 0;
  for (const std::int32_t unit : {0, 1}) {
    for (const auto& sample : fixtures::make_result(manifest_, unit).samples) {
      if (sample.answer_tokens == 0) continue;
      ++count;
      for (std::size_t l = 0; l < 5; ++l) {
        expected[l] += sample.entropy_mean[l];
      }
    }
  }
  ASSERT_GT(count, 0);
  const auto mean = reader_->read_mean_entropy("mtvqa");
  for (std::size_t l = 0; l < 5; ++l) {
    EXPECT_DOUBLE_EQ(mean[l], expected[l] / count);
  }
}

TEST_F(ReaderTest, WrongQuestionsAreRefused) {
  EXPECT_THROW(reader_->dataset("other"), StorageError);
  EXPECT_THROW(reader_->shape("mtvqa", "other"), StorageError);
  EXPECT_THROW(reader_->read<float>("mtvqa", "token_id", 0, 1), StorageError);
  EXPECT_THROW(reader_->read<float>("mtvqa", "entropy", 0, 1 << 20),
               StorageError);
  EXPECT_THROW(reader_->read<float>("mtvqa", "entropy", -1, 1), StorageError);
  EXPECT_THROW(reader_->read<float>("mtvqa", "entropy", 2, 1), StorageError);
  EXPECT_THROW(reader_->read_samples("mtvqa", 0, 9), StorageError);
}

TEST_F(ReaderTest, VocabularyAndScriptsAreThere) {
  EXPECT_EQ(reader_->script_names(), fixtures::make_vocabulary().script_names);
  EXPECT_EQ(reader_->vocabulary().token_text[9], "é9");
}

TEST(Reader, FileThatIsNoneIsRefused) {
  EXPECT_THROW(ResultsReader("/nowhere/results.h5"), StorageError);
  const fixtures::TemporaryFolder folder;
  fixtures::write_bytes(folder.path() / "f", "text");
  EXPECT_THROW(ResultsReader(folder.path() / "f"), StorageError);
}

// A file that version 1 of the format wrote stays readable for ever.
TEST(Reader, ReadsTheReleasedFixture) {
  const std::string file =
      std::string(LENS_SOURCE_DIR) + "/tests/data/results-v1.h5";
  const ResultsReader reader(file);
  EXPECT_EQ(reader.info().samples_total, 8);
  EXPECT_TRUE(reader.info().complete);
  EXPECT_EQ(reader.dataset("mtvqa").samples, 4);
  const auto answers = reader.read_all<std::string>("mtvqa", "answer");
  EXPECT_EQ(answers.size(), 4u);
  EXPECT_EQ(reader.read_mean_entropy("latex_ocr").size(), 5u);
}

// A column that came later is absent from it, and nothing else is amiss.
TEST(Reader, TheReleasedFixtureHoldsWithoutLaterColumns) {
  const std::string file =
      std::string(LENS_SOURCE_DIR) + "/tests/data/results-v1.h5";
  const ResultsReader reader(file);
  EXPECT_FALSE(reader.has("mtvqa", "varentropy"));
  EXPECT_THROW(reader.shape("mtvqa", "varentropy"), StorageError);
  const UnitResult samples = reader.read_samples("mtvqa", 0, 4);
  EXPECT_TRUE(samples.tokens.get<"varentropy">().empty());
  EXPECT_FALSE(samples.tokens.get<"entropy">().empty());
  const VerifyReport report = verify_results(file);
  EXPECT_THAT(report.problems, testing::IsEmpty());
  EXPECT_THAT(report.notes, testing::IsEmpty());
}

}  // namespace
}  // namespace lens::storage
