#include "storage/part.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "base/error.h"
#include "fixtures.h"
#include "storage/unit_hash.h"
#include "storage/vocabulary_file.h"

namespace lens::storage {
namespace {

using fixtures::make_header;
using fixtures::make_manifest;
using fixtures::make_result;
using fixtures::read_bytes;
using fixtures::write_bytes;

class PartTest : public testing::Test {
 protected:
  PartReceipt write(const UnitResult& result) {
    return write_part(folder_.path(), file_, make_header(manifest_, 0), result);
  }

  std::string error_of_read() {
    try {
      read_part(file_);
      return "";
    } catch (const StorageError& error) {
      EXPECT_THAT(error.what(), testing::Not(testing::HasSubstr("\n")));
      return error.what();
    }
  }

  fixtures::TemporaryFolder folder_;
  Manifest manifest_ = make_manifest({.hidden = true});
  std::filesystem::path file_ =
      RunDirectory(folder_.path()).part("mtvqa", 0, 2, 7);
};

TEST_F(PartTest, NameCarriesUnitAndLease) {
  EXPECT_EQ(file_, folder_.path() / "parts/mtvqa/000000.2-7.h5");
}

TEST_F(PartTest, ReadsWhatWasWritten) {
  const UnitResult result = make_result(manifest_, 0);
  const PartReceipt receipt = write(result);
  const Part part = read_part(file_);
  EXPECT_EQ(part.header, make_header(manifest_, 0));
  EXPECT_TRUE(fixtures::same(part.result, result));
  EXPECT_EQ(part.result.samples[0].answer, result.samples[0].answer);
  EXPECT_EQ(part.result.tokens.get<"top_id">(), result.tokens.get<"top_id">());
  EXPECT_EQ(part.result.tokens.get<"hidden">(), result.tokens.get<"hidden">());
  EXPECT_EQ(receipt.content_sha256, part.content_sha256);
  EXPECT_EQ(receipt.content_sha256, content_sha256(result));
  EXPECT_EQ(receipt.file_name, "parts/mtvqa/000000.2-7.h5");
  EXPECT_EQ(receipt.bytes,
            static_cast<std::int64_t>(std::filesystem::file_size(file_)));
}

TEST_F(PartTest, UnitWithoutTokensOrSamplesIsStored) {
  UnitResult result = make_result(manifest_, 0);
  UnitResult empty;
  empty.tokens.widths = result.tokens.widths;
  empty.tokens.widths.hidden_layers = empty.tokens.widths.hidden_size = 0;
  write(empty);
  EXPECT_TRUE(fixtures::same(read_part(file_).result, empty));
  empty.samples = {result.samples[3]};  // failed
  empty.token_offset = {0, 0};
  write(empty);
  EXPECT_TRUE(fixtures::same(read_part(file_).result, empty));
}

TEST_F(PartTest, TextThatCannotBeStoredComesBackEscaped) {
  UnitResult result = make_result(manifest_, 0);
  result.samples[0].answer = std::string("a\0b", 3) + "\xff";
  result.samples[1].answer = "日本\n語🙂";
  const PartReceipt receipt = write(result);
  const Part part = read_part(file_);
  EXPECT_EQ(part.result.samples[0].answer, "a\\x00b\\xff");
  EXPECT_EQ(part.result.samples[1].answer, "日本\n語🙂");
  EXPECT_EQ(receipt.content_sha256, content_sha256(part.result));
}

TEST_F(PartTest, FailedSampleMayLackItsMeans) {
  UnitResult result = make_result(manifest_, 0);
  result.samples[3].entropy_mean.clear();
  write(result);
  EXPECT_EQ(read_part(file_).result.samples[3].entropy_mean.size(), 5u);
}

TEST_F(PartTest, EqualUnitsGiveEqualBytes) {
  write(make_result(manifest_, 0));
  const std::string first = read_bytes(file_);
  ::sleep(1);
  write(make_result(manifest_, 0));
  EXPECT_EQ(read_bytes(file_), first);
}

TEST_F(PartTest, ChecksumKnowsNoLease) {
  const UnitResult result = make_result(manifest_, 0);
  const auto a = write_part(folder_.path(), file_,
                            make_header(manifest_, 0, 1, 1), result);
  const auto b = write_part(folder_.path(), file_,
                            make_header(manifest_, 0, 5, 9), result);
  EXPECT_EQ(a.content_sha256, b.content_sha256);
}

TEST_F(PartTest, ChecksumKnowsEveryValue) {
  const UnitResult result = make_result(manifest_, 0);
  const std::string content = content_sha256(result);
  const std::vector<std::function<void(UnitResult&)>> changes = {
      [](UnitResult& r) { r.samples[1].answer += "x"; },
      [](UnitResult& r) { r.samples[1].language.swap(r.samples[1].prompt); },
      [](UnitResult& r) { r.samples[1].entropy_mean[0] += 1; },
      [](UnitResult& r) { r.tokens.get<"token_role">()[0] = 0; },
      [](UnitResult& r) { r.tokens.get<"top_logprob">().back() -= 1; },
      [](UnitResult& r) { r.tokens.get<"hidden">()[0] += 1; },
      [](UnitResult& r) { r.hidden_layer[0] = 1; },
  };
  for (std::size_t i = 0; i < changes.size(); ++i) {
    UnitResult changed = result;
    changes[i](changed);
    EXPECT_NE(content_sha256(changed), content) << i;
  }
}

TEST_F(PartTest, InconsistentResultIsRefusedAndLeavesNothing) {
  const std::vector<std::function<void(UnitResult&)>> changes = {
      [](UnitResult& r) { r.token_offset.pop_back(); },
      [](UnitResult& r) { r.token_offset.back() += 1; },
      [](UnitResult& r) { std::swap(r.token_offset[1], r.token_offset[2]); },
      [](UnitResult& r) { r.tokens.get<"entropy">().pop_back(); },
      [](UnitResult& r) { r.tokens.get<"top_id">().push_back(1); },
      [](UnitResult& r) { r.tokens.get<"token_role">()[0] = 5; },
      [](UnitResult& r) { r.samples[0].status = SampleStatus::kFailed; },
      [](UnitResult& r) { r.samples[0].entropy_mean.pop_back(); },
      [](UnitResult& r) { r.tokens.widths.layers = 0; },
      [](UnitResult& r) { r.tokens.widths.hidden_size = 0; },
  };
  for (std::size_t i = 0; i < changes.size(); ++i) {
    UnitResult changed = make_result(manifest_, 0);
    changes[i](changed);
    EXPECT_THROW(write(changed), StorageError) << i;
  }
  EXPECT_FALSE(std::filesystem::exists(file_.parent_path()));
}

TEST_F(PartTest, EveryFlippedByteIsFound) {
  write(make_result(manifest_, 0));
  const std::string bytes = read_bytes(file_);
  for (std::size_t i = 0; i < bytes.size(); i += 31) {
    std::string flipped = bytes;
    flipped[i] = static_cast<char>(~flipped[i]);
    write_bytes(file_, flipped);
    EXPECT_NE(error_of_read(), "") << i;
  }
}

TEST_F(PartTest, EveryCutIsFound) {
  write(make_result(manifest_, 0));
  const std::string bytes = read_bytes(file_);
  for (std::size_t i = 0; i < bytes.size(); i += 509) {
    write_bytes(file_, bytes.substr(0, i));
    EXPECT_THAT(error_of_read(), testing::HasSubstr("seal is missing"));
  }
  write_bytes(file_, bytes.substr(0, bytes.size() - 1));
  EXPECT_NE(error_of_read(), "");
}

TEST_F(PartTest, KilledAfterAnyStepIsWholeOrAbsent) {
  const UnitResult result = make_result(manifest_, 0);
  for (int stop = 1; stop <= 5; ++stop) {
    std::filesystem::remove_all(file_.parent_path());
    const pid_t child = ::fork();
    if (child == 0) {
      write_part(folder_.path(), file_, make_header(manifest_, 0), result,
                 [&](WriteStep step) {
                   if (static_cast<int>(step) == stop) ::_exit(0);
                 });
      ::_exit(1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_EQ(status, 0);
    EXPECT_EQ(std::filesystem::exists(file_), stop >= 4) << stop;
    if (stop >= 4) {
      EXPECT_TRUE(fixtures::same(read_part(file_).result, result));
    }
    // Written again over whatever is left.
    write(result);
    EXPECT_EQ(error_of_read(), "");
  }
}

// A limit on the file size fails writes as a full disk does.
TEST_F(PartTest, FullDiskIsStorageErrorAndLeavesNothing) {
  const UnitResult result = make_result(manifest_, 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit = {.rlim_cur = 20000, .rlim_max = 20000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    try {
      write(result);
    } catch (const StorageError&) {
      ::_exit(0);
    }
    ::_exit(1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(std::filesystem::is_empty(file_.parent_path()));
}

TEST_F(PartTest, SummaryAgreesWithThePart) {
  const PartReceipt receipt = write(make_result(manifest_, 0));
  const PartSummary summary = read_part_summary(file_);
  EXPECT_EQ(summary.header, make_header(manifest_, 0));
  EXPECT_EQ(summary.content_sha256, receipt.content_sha256);
  EXPECT_EQ(summary.bytes, receipt.bytes);
  EXPECT_EQ(summary.samples, 4);
}

TEST_F(PartTest, OtherFilesAreRefused) {
  write_vocabulary(file_, fixtures::make_vocabulary());
  EXPECT_THAT(error_of_read(), testing::HasSubstr("is not a part"));
}

}  // namespace
}  // namespace lens::storage
