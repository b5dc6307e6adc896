#include "storage/verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <random>

#include "base/error.h"
#include "fixtures.h"
#include "storage/guard.h"
#include "storage/hdf5/attributes.h"
#include "storage/results_check.h"
#include "storage/seal.h"

namespace lens::storage {
namespace {

using fixtures::read_bytes;
using fixtures::write_bytes;
using testing::Contains;
using testing::HasSubstr;

class VerifyTest : public testing::Test {
 protected:
  void SetUp() override { parts_ = fixtures::write_run(run_, manifest_); }

  void merge_all() {
    MergeOptions options;
    options.output = run_.results();
    merge(run_, manifest_, parts_, options);
  }

  std::vector<std::string> part_problems() {
    return verify_parts(run_, manifest_, parts_).problems;
  }

  // Problems that the values alone show: the seal is made to fit again.
  std::vector<std::string> value_problems() {
    std::string bytes = read_bytes(run_.results());
    bytes.resize(bytes.size() - kSealBytes);
    const VerifyReport before = verify_results(run_.results());
    Sha256 hash;
    hash.update(bytes);
    const std::string seal =
        seal_text({.bytes = static_cast<std::int64_t>(bytes.size()),
                   .samples = before.samples,
                   .tokens = before.tokens},
                  std::move(hash));
    write_bytes(run_.results(), bytes + seal);
    return verify_results(run_.results()).problems;
  }

  // Opens the file for writing, which removes the seal, and puts one back.
  void edit(const std::function<void(H5::H5File&)>& change) {
    {
      H5::H5File file(run_.results().string(), H5F_ACC_RDWR);
      change(file);
      file.close();
    }
    write_bytes(run_.results(),
                read_bytes(run_.results()).append(kSealBytes, '\n'));
  }

  fixtures::TemporaryFolder folder_;
  RunDirectory run_{folder_.path()};
  Manifest manifest_ = fixtures::make_manifest();
  std::vector<CommittedPart> parts_;
};

TEST_F(VerifyTest, GoodRunHasNoProblem) {
  const VerifyReport report = verify_parts(run_, manifest_, parts_);
  EXPECT_THAT(report.problems, testing::IsEmpty());
  EXPECT_EQ(report.parts_checked, 5);
  EXPECT_EQ(report.samples, 20);
  merge_all();
  const VerifyReport results = verify_results(run_.results());
  EXPECT_THAT(results.problems, testing::IsEmpty());
  EXPECT_EQ(results.samples, 20);
  EXPECT_EQ(results.tokens, report.tokens);
}

TEST_F(VerifyTest, MissingCutAndFlippedPartsAreFound) {
  std::filesystem::remove(run_.root() / parts_[0].receipt.file_name);
  const auto cut = run_.root() / parts_[1].receipt.file_name;
  write_bytes(cut, read_bytes(cut).substr(0, 3000));
  const auto flipped = run_.root() / parts_[2].receipt.file_name;
  std::string bytes = read_bytes(flipped);
  bytes[5000] ^= 16;
  write_bytes(flipped, bytes);
  const auto problems = part_problems();
  EXPECT_EQ(problems.size(), 3u);
  EXPECT_THAT(problems, Contains(HasSubstr("No such file")));
  EXPECT_THAT(problems, Contains(HasSubstr("seal is missing")));
  EXPECT_THAT(problems, Contains(HasSubstr("do not give the checksum")));
}

TEST_F(VerifyTest, StalePartIsFound) {
  // Whole, but with other values than the ones committed.
  const auto file = run_.root() / parts_[4].receipt.file_name;
  write_part(run_.root(), file, fixtures::make_header(manifest_, 4),
             fixtures::make_result(manifest_, 4, 9));
  EXPECT_THAT(part_problems(), Contains(HasSubstr("another checksum")));
}

// Whole, sealed, as long as the one committed.
TEST_F(VerifyTest, PartOfOtherValuesIsNotMerged) {
  UnitResult result = fixtures::make_result(manifest_, 1);
  result.samples[0].score = result.samples[0].score > 0.5f ? 0.25f : 0.75f;
  const auto file = run_.root() / parts_[1].receipt.file_name;
  const PartReceipt other = write_part(
      run_.root(), file, fixtures::make_header(manifest_, 1), result);
  ASSERT_EQ(other.bytes, parts_[1].receipt.bytes);
  try {
    merge_all();
    FAIL() << "merged";
  } catch (const StorageError& error) {
    EXPECT_THAT(error.what(), HasSubstr("another checksum was committed"));
  }
  EXPECT_FALSE(std::filesystem::exists(run_.results()));
}

TEST_F(VerifyTest, PartThatBreaksAnInvariantIsFound) {
  UnitResult result = fixtures::make_result(manifest_, 1);
  result.tokens.get<"entropy">()[0] = -2;
  const auto file = run_.root() / parts_[1].receipt.file_name;
  parts_[1].receipt = write_part(run_.root(), file,
                                 fixtures::make_header(manifest_, 1), result);
  EXPECT_THAT(part_problems(), Contains(HasSubstr("entropy is out of range")));
  EXPECT_THROW(merge_all(), StorageError);
  EXPECT_FALSE(std::filesystem::exists(run_.results()));
}

TEST_F(VerifyTest, DoubledUnitIsFound) {
  parts_.push_back(parts_[2]);
  parts_.push_back({.unit = -1, .receipt = {}});
  EXPECT_EQ(part_problems().size(), 2u);
}

TEST_F(VerifyTest, EveryFlippedByteOfResultsIsReported) {
  merge_all();
  const std::string bytes = read_bytes(run_.results());
  std::mt19937 engine(1);
  for (int i = 0; i < 60; ++i) {
    std::string flipped = bytes;
    const std::size_t at = engine() % bytes.size();
    flipped[at] = static_cast<char>(~flipped[at]);
    write_bytes(run_.results(), flipped);
    EXPECT_FALSE(verify_results(run_.results()).ok()) << at;
  }
}

TEST_F(VerifyTest, CutResultsAreReported) {
  merge_all();
  const std::string bytes = read_bytes(run_.results());
  for (const std::size_t left :
       {std::size_t{0}, std::size_t{100}, bytes.size() / 2,
        bytes.size() - kSealBytes - 1, bytes.size() - 1}) {
    write_bytes(run_.results(), bytes.substr(0, left));
    EXPECT_FALSE(verify_results(run_.results()).ok()) << left;
  }
  EXPECT_FALSE(verify_results(run_.root() / "absent.h5").ok());
}

TEST_F(VerifyTest, ChangedValueIsFoundByTheContentChecksum) {
  merge_all();
  edit([](H5::H5File& file) {
    H5::DataSet answers = file.openDataSet("/mtvqa/score");
    std::vector<float> values(8);
    answers.read(values.data(), H5::PredType::NATIVE_FLOAT);
    values[0] += 0.25f;
    answers.write(values.data(), H5::PredType::NATIVE_FLOAT);
  });
  EXPECT_THAT(value_problems(), Contains(HasSubstr("content_sha256")));
}

TEST_F(VerifyTest, MissingGroupColumnAndScaleAreFound) {
  merge_all();
  const std::string good = read_bytes(run_.results());
  edit([](H5::H5File& file) { file.unlink("/mtvqa"); });
  EXPECT_THAT(value_problems(), Contains(HasSubstr("missing or changed")));
  write_bytes(run_.results(), good);
  edit([](H5::H5File& file) { file.unlink("/mtvqa/top_id"); });
  EXPECT_THAT(value_problems(), Contains(HasSubstr("it has no top_id")));
  write_bytes(run_.results(), good);
  edit([](H5::H5File& file) {
    file.openDataSet("/mtvqa/entropy").removeAttr("DIMENSION_LIST");
  });
  EXPECT_FALSE(value_problems().empty());
}

TEST_F(VerifyTest, ChangedVocabularyIsFound) {
  merge_all();
  edit([](H5::H5File& file) {
    H5::DataSet scripts = file.openDataSet("/vocabulary/token_script");
    std::vector<std::uint8_t> values(fixtures::kVocabulary, 1);
    scripts.write(values.data(), H5::PredType::NATIVE_UINT8);
  });
  EXPECT_THAT(value_problems(), Contains(HasSubstr("vocabulary")));
}

// HDF5 cuts a file that was open for writing where its own data end.
TEST_F(VerifyTest, ValuesSpeakForAFileThatWasOpenForWriting) {
  merge_all();
  const auto bytes = std::filesystem::file_size(run_.results());
  { H5::H5File file(run_.results().string(), H5F_ACC_RDWR); }
  ASSERT_EQ(std::filesystem::file_size(run_.results()), bytes - kSealBytes);
  const VerifyReport report = verify_results(run_.results());
  EXPECT_THAT(report.problems, testing::IsEmpty());
  EXPECT_THAT(report.notes,
              testing::ElementsAre(testing::AllOf(
                  HasSubstr("its seal is gone"),
                  HasSubstr("its values were checked and hold"))));
  EXPECT_EQ(report.samples, 20);
}

TEST_F(VerifyTest, ChangedValueIsFoundWithoutASealToo) {
  merge_all();
  {
    H5::H5File file(run_.results().string(), H5F_ACC_RDWR);
    const float score = 0.125f;
    std::vector<float> values(8, score);
    file.openDataSet("/mtvqa/score")
        .write(values.data(), H5::PredType::NATIVE_FLOAT);
  }
  const VerifyReport report = verify_results(run_.results());
  EXPECT_THAT(report.problems, Contains(HasSubstr("content_sha256")));
  EXPECT_THAT(report.notes, Contains(HasSubstr("do not hold")));
}

TEST_F(VerifyTest, FileOfAWriterThatWasKilledIsCheckedByItsValues) {
  merge_all();
  const pid_t writer = ::fork();
  if (writer == 0) {
    H5::H5File file(run_.results().string(), H5F_ACC_RDWR);
    const std::string text(4000, 'x');
    hdf5::set(file, "note", text);
    H5Fflush(file.getId(), H5F_SCOPE_GLOBAL);
    ::_exit(0);
  }
  ::waitpid(writer, nullptr, 0);
  const VerifyReport report = verify_results(run_.results());
  EXPECT_THAT(report.problems, testing::IsEmpty());
  EXPECT_THAT(report.notes, Contains(HasSubstr("its seal is gone")));
}

// The form of today's library has room for a mark of its writer.
TEST_F(VerifyTest, MarkOfAWriterThatWasKilledIsToldForWhatItIs) {
  const auto file = run_.results();
  const pid_t writer = ::fork();
  if (writer == 0) {
    H5::FileAccPropList access;
    H5Pset_libver_bounds(access.getId(), H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
    H5::H5File made(file.string(), H5F_ACC_TRUNC,
                    H5::FileCreatPropList::DEFAULT, access);
    H5Fflush(made.getId(), H5F_SCOPE_GLOBAL);
    ::_exit(0);
  }
  ::waitpid(writer, nullptr, 0);
  EXPECT_THAT(verify_results(file).problems,
              Contains(HasSubstr("open for writing, or died while it had")));
}

TEST_F(VerifyTest, SaysWhereTheValuesOfADamagedFileHold) {
  merge_all();
  std::string bytes = read_bytes(run_.results());
  bytes.back() = ' ';
  write_bytes(run_.results(), bytes);
  const VerifyReport report = verify_results(run_.results());
  EXPECT_THAT(report.problems, testing::ElementsAre(HasSubstr("not whole")));
  EXPECT_THAT(report.notes, testing::ElementsAre(HasSubstr("its values")));
}

TEST_F(VerifyTest, ResultsOfAnotherPlanAreForeign) {
  merge_all();
  EXPECT_EQ(foreign_results(run_, manifest_), "");
  Manifest other = manifest_;
  other.run_id = "another";
  EXPECT_THAT(foreign_results(run_, other), HasSubstr("directory of run anot"));
  other = manifest_;
  other.datasets[0].samples += 1;
  EXPECT_THAT(foreign_results(run_, other), HasSubstr("other samples"));
  std::filesystem::remove(run_.results());
  EXPECT_NE(foreign_results(run_, manifest_), "");
}

TEST_F(VerifyTest, ForeignResultsAreToldWithoutTheirSeal) {
  merge_all();
  { H5::H5File file(run_.results().string(), H5F_ACC_RDWR); }
  EXPECT_EQ(foreign_results(run_, manifest_), "");
  manifest_.run_id = "another";
  EXPECT_THAT(foreign_results(run_, manifest_), HasSubstr("it is of run"));
  write_bytes(run_.results(), "nothing");
  EXPECT_NE(foreign_results(run_, manifest_), "");
}

TEST_F(VerifyTest, PartialResultsAreNotTheResultOfARun) {
  parts_.pop_back();
  MergeOptions options;
  options.output = run_.results();
  options.partial = true;
  merge(run_, manifest_, parts_, options);
  EXPECT_THAT(foreign_results(run_, manifest_), HasSubstr("not complete"));
}

TEST_F(VerifyTest, OtherFilesAreReported) {
  write_bytes(run_.results(), "not HDF5 at all");
  EXPECT_FALSE(verify_results(run_.results()).ok());
  std::filesystem::copy_file(run_.vocabulary(), run_.results(),
                             std::filesystem::copy_options::overwrite_existing);
  EXPECT_THAT(verify_results(run_.results()).problems,
              Contains(HasSubstr("not a results file")));
}

}  // namespace
}  // namespace lens::storage
