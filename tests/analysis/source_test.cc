#include "analysis/source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <random>

#include "base/error.h"
#include "storage/manifest_file.h"
#include "storage/seal.h"
#include "tests/storage/fixtures.h"

namespace lens::analysis {
namespace {

namespace fixtures = storage::fixtures;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class SourceTest : public testing::Test {
 protected:
  void merge(bool partial, const std::filesystem::path& output) {
    auto parts = fixtures::write_run(run_, manifest_);
    if (partial) parts.pop_back();
    storage::merge(run_, manifest_, parts,
                   {.output = output,
                    .partial = partial,
                    .software = {.version = "1", .git_commit = ""},
                    .progress = {},
                    .after_step = {}});
  }

  static std::string error_of(const std::filesystem::path& path) {
    try {
      open_source(path);
    } catch (const InputError& error) {
      return error.what();
    } catch (const StorageError& error) {
      return error.what();
    }
    return "";
  }

  fixtures::TemporaryFolder folder_;
  storage::RunDirectory run_{folder_.path()};
  storage::Manifest manifest_ = fixtures::make_manifest();
};

TEST_F(SourceTest, OfADirectoryTakesItsResultsAndManifest) {
  merge(false, run_.results());
  const Source source = open_source(run_.root());
  EXPECT_EQ(source.file, run_.results());
  ASSERT_TRUE(source.manifest);
  EXPECT_EQ(source.manifest->run_id, source.results.info().run_id);
  EXPECT_EQ(source.vocabulary.token_text.size(), fixtures::kVocabulary);
  EXPECT_THAT(source.notes, ElementsAre(HasSubstr("samples failed")));
}

TEST_F(SourceTest, TakesThePartialSnapshotAndSaysSo) {
  merge(true, run_.root() / "results.partial.h5");
  const Source source = open_source(run_.root());
  EXPECT_THAT(source.notes.front(), HasSubstr("partial snapshot: 16 of 20"));
}

TEST_F(SourceTest, AManifestOfAnotherRunIsNotTaken) {
  merge(false, folder_.path() / "a.h5");
  fixtures::RunShape shape;
  shape.latex_units = 1;
  storage::write_manifest(run_.manifest(), fixtures::make_manifest(shape));
  const Source source = open_source(folder_.path() / "a.h5");
  EXPECT_FALSE(source.manifest);
  EXPECT_THAT(source.notes.back(), HasSubstr("another run"));
}

TEST_F(SourceTest, ADamagedFileIsRefusedUnread) {
  merge(false, run_.results());
  const std::string bytes = fixtures::read_bytes(run_.results());
  std::mt19937 engine(1);
  for (int i = 0; i < 40; ++i) {
    std::string flipped = bytes;
    const std::size_t at = engine() % (bytes.size() - storage::kSealBytes);
    flipped[at] = static_cast<char>(flipped[at] ^ 1 << engine() % 8);
    fixtures::write_bytes(run_.results(), flipped);
    EXPECT_THAT(
        error_of(run_.root()),
        AllOf(HasSubstr("is damaged"),
              HasSubstr("delete it, then: lens merge " + run_.root().string())))
        << at;
  }
}

TEST_F(SourceTest, TheRemedyIsOneThatHelps) {
  const auto flip = [](const std::filesystem::path& file) {
    std::string bytes = fixtures::read_bytes(file);
    bytes[bytes.size() / 2] ^= 1;
    fixtures::write_bytes(file, bytes);
  };
  const auto partial = run_.root() / "results.partial.h5";
  merge(true, partial);
  flip(partial);
  EXPECT_THAT(error_of(partial), HasSubstr("lens merge --partial"));
  const fixtures::TemporaryFolder elsewhere;
  std::filesystem::copy(partial, elsewhere.path() / "copy.h5");
  EXPECT_THAT(error_of(elsewhere.path() / "copy.h5"),
              HasSubstr("take another copy"));
}

TEST_F(SourceTest, AFileWithoutSealIsReadAndSaysSo) {
  merge(false, run_.results());
  std::string bytes = fixtures::read_bytes(run_.results());
  bytes.resize(bytes.size() - storage::kSealBytes);
  fixtures::write_bytes(run_.results(), bytes);
  EXPECT_THAT(open_source(run_.root()).notes.front(), HasSubstr("no seal"));
  EXPECT_THAT(open_source(run_.root(), SealCheck::kNone).notes,
              Not(Contains(HasSubstr("no seal"))));
}

TEST_F(SourceTest, SaysWhatToDoWhereNothingIsMerged) {
  fixtures::write_run(run_, manifest_);
  EXPECT_THAT(error_of(run_.root()), HasSubstr("lens merge --partial"));
  EXPECT_THAT(error_of(folder_.path() / "parts"),
              HasSubstr("not a run directory"));
  EXPECT_THAT(error_of(folder_.path() / "none"), HasSubstr("does not exist"));
}

}  // namespace
}  // namespace lens::analysis
