#include "storage/merge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <csignal>

#include "base/error.h"
#include "fixtures.h"
#include "storage/manifest_file.h"
#include "storage/reader.h"
#include "storage/scan_parts.h"
#include "storage/verify.h"
#include "storage/vocabulary_file.h"

namespace lens::storage {
namespace {

using fixtures::make_manifest;
using fixtures::read_bytes;
using fixtures::write_bytes;

class MergeTest : public testing::Test {
 protected:
  MergeOptions options(const char* name = "results.h5") const {
    return {.output = run_.root() / name,
            .partial = false,
            .software = {.version = "0.1.0", .git_commit = "abc"},
            .progress = {},
            .after_step = {}};
  }

  std::string error_of_merge(const std::vector<CommittedPart>& parts) {
    try {
      merge(run_, manifest_, parts, options());
      return "";
    } catch (const StorageError& error) {
      EXPECT_THAT(error.what(), testing::Not(testing::HasSubstr("\n")));
      return error.what();
    }
  }

  fixtures::TemporaryFolder folder_;
  RunDirectory run_{folder_.path()};
  Manifest manifest_ = make_manifest();
};

TEST_F(MergeTest, HoldsEveryValueOfEveryUnit) {
  const auto parts = fixtures::write_run(run_, manifest_);
  const MergeSummary summary = merge(run_, manifest_, parts, options());
  EXPECT_EQ(summary.samples_total, 20);
  EXPECT_EQ(summary.samples_failed, 5);
  EXPECT_EQ(summary.samples_ok, 15);
  const ResultsReader reader(run_.results());
  for (const Unit& unit : manifest_.units) {
    const UnitResult expected = fixtures::make_result(manifest_, unit.index);
    const UnitResult found = reader.read_samples(
        unit.dataset, unit.first_sample, unit.first_sample + unit.samples);
    EXPECT_TRUE(fixtures::same(found, expected)) << unit.index;
  }
  const auto offset = reader.read_all<std::int64_t>("mtvqa", "token_offset");
  const auto sample = reader.read_all<std::int32_t>("mtvqa", "token_sample");
  for (std::size_t s = 0; s + 1 < offset.size(); ++s) {
    for (auto t = offset[s]; t < offset[s + 1]; ++t) {
      EXPECT_EQ(sample[static_cast<std::size_t>(t)],
                static_cast<std::int32_t>(s));
    }
  }
  EXPECT_THAT(verify_results(run_.results()).problems, testing::IsEmpty());
}

TEST_F(MergeTest, RootAttributesSayWhatWasRun) {
  merge(run_, manifest_, fixtures::write_run(run_, manifest_), options());
  const ResultsInfo info = ResultsReader(run_.results()).info();
  EXPECT_EQ(info.run_id, manifest_.run_id);
  EXPECT_EQ(info.software_version, "0.1.0");
  EXPECT_EQ(info.git_commit, "abc");
  EXPECT_EQ(info.config_json, config_json(manifest_.config));
  EXPECT_EQ(info.model_name, "small");
  EXPECT_EQ(info.device_names, "CPU A; CPU B");
  EXPECT_EQ(info.samples_total, 20);
  EXPECT_TRUE(info.complete);
}

TEST_F(MergeTest, BytesKnowNeitherLeasesNorOrder) {
  auto parts = fixtures::write_run(run_, manifest_);
  merge(run_, manifest_, parts, options());
  const std::string bytes = read_bytes(run_.results());
  std::reverse(parts.begin(), parts.end());
  for (CommittedPart& part : parts) {
    const auto unit = static_cast<std::uint64_t>(part.unit);
    part = fixtures::write_unit(run_, manifest_, part.unit, 40 - unit, 3);
  }
  ::sleep(1);  // no time stamp either
  merge(run_, manifest_, parts, options("again.h5"));
  EXPECT_TRUE(read_bytes(run_.root() / "again.h5") == bytes);
}

// A run that an older program began.
TEST_F(MergeTest, ColumnThatOnePartLacksIsInNoDataSet) {
  auto parts = fixtures::write_run(run_, manifest_);
  UnitResult old = fixtures::make_result(manifest_, 1);
  old.tokens.widths.columns.reset(table::column_index<"varentropy">());
  old.tokens.get<"varentropy">().clear();
  parts[1].receipt =
      write_part(run_.root(), run_.root() / parts[1].receipt.file_name,
                 fixtures::make_header(manifest_, 1), old);
  EXPECT_THAT(verify_parts(run_, manifest_, parts).problems,
              testing::IsEmpty());
  merge(run_, manifest_, parts, options());
  const ResultsReader reader(run_.results());
  for (const char* dataset : {"mtvqa", "latex_ocr"}) {
    EXPECT_FALSE(reader.has(dataset, "varentropy"));
    EXPECT_TRUE(reader.has(dataset, "entropy"));
  }
  EXPECT_EQ(reader.dataset("mtvqa").samples, 8);
  EXPECT_THAT(verify_results(run_.results()).problems, testing::IsEmpty());
}

TEST_F(MergeTest, AttentionIsKeptOverTheBlocks) {
  const Manifest manifest = fixtures::make_manifest({.attention = true});
  merge(run_, manifest, fixtures::write_run(run_, manifest), options());
  const ResultsReader reader(run_.results());
  EXPECT_EQ(reader.shape("mtvqa", "image_attention").back(),
            fixtures::kLayers - 1);
  EXPECT_EQ(reader.read_samples("mtvqa", 0, 8)
                .tokens.get<"image_attention_entropy">()
                .size(),
            static_cast<std::size_t>(reader.dataset("mtvqa").tokens) *
                (fixtures::kLayers - 1));
  EXPECT_THAT(verify_results(run_.results()).problems, testing::IsEmpty());
}

TEST_F(MergeTest, HiddenStatesAreKept) {
  manifest_ = make_manifest({.hidden = true});
  merge(run_, manifest_, fixtures::write_run(run_, manifest_), options());
  const ResultsReader reader(run_.results());
  EXPECT_THAT(reader.read_all<std::int32_t>("mtvqa", "hidden_layer"),
              testing::ElementsAre(0, 3));
  const UnitResult expected = fixtures::make_result(manifest_, 0);
  EXPECT_EQ(reader.read_samples("mtvqa", 0, 4).tokens.get<"hidden">(),
            expected.tokens.get<"hidden">());
  EXPECT_THAT(verify_results(run_.results()).problems, testing::IsEmpty());
}

TEST_F(MergeTest, MissingUnitIsRefusedUnlessPartial) {
  auto parts = fixtures::write_run(run_, manifest_);
  parts.erase(parts.begin() + 3);
  EXPECT_THAT(error_of_merge(parts), testing::HasSubstr("1 of 5 units"));
  EXPECT_FALSE(std::filesystem::exists(run_.results()));
  MergeOptions partial = options();
  partial.partial = true;
  const MergeSummary summary = merge(run_, manifest_, parts, partial);
  EXPECT_EQ(summary.samples_total, 20);
  EXPECT_EQ(summary.samples_ok + summary.samples_failed, 16);
  const ResultsReader reader(run_.results());
  EXPECT_FALSE(reader.info().complete);
  EXPECT_EQ(reader.dataset("latex_ocr").samples, 8);
  EXPECT_EQ(reader.dataset("latex_ocr").samples_total, 12);
  EXPECT_THAT(reader.read_all<std::int64_t>("latex_ocr", "source_row"),
              testing::ElementsAre(0, 1, 2, 3, 8, 9, 10, 11));
  EXPECT_THAT(verify_results(run_.results()).problems, testing::IsEmpty());
}

TEST_F(MergeTest, DatasetWithoutSamplesHasItsGroup) {
  for (const bool hidden : {false, true}) {
    manifest_ = make_manifest({.hidden = hidden});
    fixtures::write_run(run_, manifest_);
    MergeOptions partial = options();
    partial.partial = true;
    merge(run_, manifest_, {}, partial);
    const ResultsReader reader(run_.results());
    EXPECT_EQ(reader.datasets().size(), 2u);
    EXPECT_THAT(reader.read_all<std::int64_t>("mtvqa", "token_offset"),
                testing::ElementsAre(0));
    EXPECT_TRUE(std::isnan(reader.read_mean_entropy("mtvqa")[0]));
    EXPECT_THAT(verify_results(run_.results()).problems, testing::IsEmpty());
  }
}

TEST_F(MergeTest, DamagedPartsAreRefusedAndTheOldFileStays) {
  const auto parts = fixtures::write_run(run_, manifest_);
  merge(run_, manifest_, parts, options());
  const std::string before = read_bytes(run_.results());
  const auto file = run_.root() / parts[2].receipt.file_name;
  const std::string bytes = read_bytes(file);

  std::string flipped = bytes;
  flipped[bytes.size() / 2] ^= 1;
  write_bytes(file, flipped);
  EXPECT_THAT(error_of_merge(parts), testing::HasSubstr("damaged"));
  write_bytes(file, bytes.substr(0, bytes.size() - 7));
  EXPECT_THAT(error_of_merge(parts), testing::HasSubstr("seal"));
  std::filesystem::remove(file);
  EXPECT_THAT(error_of_merge(parts), testing::HasSubstr("No such file"));
  // Another unit's part under this name.
  std::filesystem::copy_file(run_.root() / parts[3].receipt.file_name, file);
  EXPECT_NE(error_of_merge(parts), "");
  EXPECT_EQ(read_bytes(run_.results()), before);
  EXPECT_FALSE(std::filesystem::exists(run_.results().string() + ".tmp"));
}

TEST_F(MergeTest, ReceiptsThatDoNotFitAreRefused) {
  const auto parts = fixtures::write_run(run_, manifest_);
  auto changed = parts;
  changed[1].receipt.content_sha256[0] ^= 1;
  EXPECT_THAT(error_of_merge(changed), testing::HasSubstr("checksum"));
  changed = parts;
  changed[1].unit = 99;
  EXPECT_THAT(error_of_merge(changed), testing::HasSubstr("unit 99"));
  changed = parts;
  changed.push_back(parts[0]);
  EXPECT_THAT(error_of_merge(changed), testing::HasSubstr("twice"));
  changed = parts;
  changed[1].receipt.file_name = "../elsewhere.h5";
  EXPECT_THAT(error_of_merge(changed), testing::HasSubstr("outside"));
  changed = parts;
  changed[1].receipt.bytes += 1;
  EXPECT_NE(error_of_merge(changed), "");
}

TEST_F(MergeTest, PartsOfAnotherRunAreRefused) {
  Manifest other = manifest_;
  other.config.max_new_tokens = 5;
  other.run_id = run_identity(other);
  const auto parts = fixtures::write_run(run_, other);
  EXPECT_THAT(error_of_merge(parts), testing::HasSubstr("another run"));
}

TEST_F(MergeTest, KilledAfterAnyStepLeavesOldOrNewWhole) {
  auto parts = fixtures::write_run(run_, manifest_);
  MergeOptions partial = options();
  partial.partial = true;
  merge(run_, manifest_, {parts[0]}, partial);
  const std::string before = read_bytes(run_.results());
  for (int stop = 1; stop <= 5; ++stop) {
    write_bytes(run_.results(), before);
    const pid_t child = ::fork();
    if (child == 0) {
      MergeOptions stopping = options();
      stopping.after_step = [&](WriteStep step) {
        if (static_cast<int>(step) == stop) ::_exit(0);
      };
      merge(run_, manifest_, parts, stopping);
      ::_exit(1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_EQ(status, 0);
    EXPECT_EQ(read_bytes(run_.results()) == before, stop < 4) << stop;
    EXPECT_THAT(verify_results(run_.results()).problems, testing::IsEmpty());
  }
  merge(run_, manifest_, parts, options());
  EXPECT_TRUE(ResultsReader(run_.results()).info().complete);
}

// A limit on the file size fails writes as a full disk does, at many places.
TEST_F(MergeTest, FullDiskIsStorageErrorAndLeavesNothing) {
  const auto parts = fixtures::write_run(run_, manifest_);
  merge(run_, manifest_, parts, options("whole.h5"));
  const auto whole = std::filesystem::file_size(run_.root() / "whole.h5");
  for (rlim_t bytes = 0; bytes < whole; bytes += whole / 9) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::signal(SIGXFSZ, SIG_IGN);
      const rlimit limit = {.rlim_cur = bytes, .rlim_max = bytes};
      ::setrlimit(RLIMIT_FSIZE, &limit);
      try {
        merge(run_, manifest_, parts, options());
      } catch (const StorageError&) {
        ::exit(0);  // with the library's own clean-up
      }
      ::_exit(1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0) << bytes;
    EXPECT_FALSE(std::filesystem::exists(run_.results()));
    EXPECT_FALSE(std::filesystem::exists(run_.results().string() + ".tmp"));
  }
}

TEST_F(MergeTest, ProgressCountsTheParts) {
  MergeOptions counting = options();
  std::vector<std::int64_t> seen;
  counting.progress = [&](std::int64_t done, std::int64_t total) {
    EXPECT_EQ(total, 5);
    seen.push_back(done);
  };
  merge(run_, manifest_, fixtures::write_run(run_, manifest_), counting);
  EXPECT_THAT(seen, testing::ElementsAre(1, 2, 3, 4, 5));
}

TEST_F(MergeTest, ScanFindsTheNewestWholePartOfEachUnit) {
  const auto parts = fixtures::write_run(run_, manifest_);
  EXPECT_EQ(scan_parts(run_, manifest_).size(), parts.size());
  // A newer attempt that is damaged, one that is whole, and strangers.
  const auto newer = fixtures::write_unit(run_, manifest_, 0, 9, 9);
  std::string bytes = read_bytes(run_.root() / newer.receipt.file_name);
  write_bytes(run_.part("mtvqa", 0, 10, 1), bytes.substr(1));
  write_bytes(run_.parts() / "mtvqa" / "000001.1-1.h5.tmp", bytes);
  write_bytes(run_.parts() / "mtvqa" / "notes.txt", "x");
  // Another unit's part under the name of unit 1.
  write_bytes(run_.part("mtvqa", 1, 10, 1), bytes);
  const auto found = scan_parts(run_, manifest_);
  ASSERT_EQ(found.size(), parts.size());
  EXPECT_EQ(found[0].receipt, newer.receipt);
  for (std::size_t i = 1; i < found.size(); ++i) {
    EXPECT_EQ(found[i].unit, parts[i].unit);
    EXPECT_EQ(found[i].receipt, parts[i].receipt);
  }
}

TEST_F(MergeTest, VocabularyOfAnotherModelIsRefused) {
  const auto parts = fixtures::write_run(run_, manifest_);
  Vocabulary vocabulary = fixtures::make_vocabulary();
  vocabulary.token_text.pop_back();
  vocabulary.token_script.pop_back();
  write_vocabulary(run_.vocabulary(), vocabulary);
  EXPECT_THAT(error_of_merge(parts), testing::HasSubstr("299 ids"));
}

TEST_F(MergeTest, VocabularyIsReadAsWritten) {
  const Vocabulary vocabulary = fixtures::make_vocabulary();
  write_vocabulary(run_.vocabulary(), vocabulary);
  const Vocabulary read = read_vocabulary(run_.vocabulary());
  EXPECT_EQ(read.token_script, vocabulary.token_script);
  EXPECT_EQ(read.script_names, vocabulary.script_names);
  EXPECT_EQ(read.token_text[8], vocabulary.token_text[8]);
  EXPECT_EQ(read.token_text[7], "\\xe4\\xb8");
  std::string bytes = read_bytes(run_.vocabulary());
  bytes[1000] ^= 4;
  write_bytes(run_.vocabulary(), bytes);
  EXPECT_THROW(read_vocabulary(run_.vocabulary()), StorageError);
}

}  // namespace
}  // namespace lens::storage
