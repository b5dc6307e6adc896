#include "coordinator/rebuild.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/storage/fixtures.h"

namespace lens::coordinator {
namespace {

namespace fixtures = storage::fixtures;

class RebuildTest : public ::testing::Test {
 protected:
  Rebuilt rebuild() {
    const auto rebuilt = rebuild_from_parts(run_, manifest_);
    EXPECT_TRUE(rebuilt.ok()) << rebuilt.status();
    return rebuilt.ok() ? *rebuilt : Rebuilt{};
  }

  fixtures::TemporaryFolder folder_;
  const storage::RunDirectory run_{folder_.path()};
  const storage::Manifest manifest_ = fixtures::make_manifest();
};

TEST_F(RebuildTest, NoPartsGiveNoCommits) {
  EXPECT_TRUE(rebuild().commits.empty());
  EXPECT_EQ(rebuild().highest_epoch, 0u);
}

TEST_F(RebuildTest, PartsGiveTheCommitsTheyWereCommittedWith) {
  const auto part = fixtures::write_unit(run_, manifest_, 3, 2, 7);
  const auto result = fixtures::make_result(manifest_, 3);
  const Rebuilt rebuilt = rebuild();
  ASSERT_EQ(rebuilt.commits.size(), 1u);
  const UnitCommit& commit = rebuilt.commits[0];
  EXPECT_EQ(to_int(commit.unit), 3);
  EXPECT_EQ(commit.token, (LeaseToken{2, 7}));
  EXPECT_EQ(commit.receipt, part.receipt);
  EXPECT_EQ(commit.samples_failed, 1);
  EXPECT_EQ(commit.samples_ok, 3);
  EXPECT_EQ(commit.tokens, static_cast<std::int64_t>(result.tokens.size()));
  EXPECT_EQ(rebuilt.highest_epoch, 2u);
}

TEST_F(RebuildTest, DamagedPartIsDoneAgainButItsEpochCounts) {
  fixtures::write_unit(run_, manifest_, 0, 1, 1);
  const auto damaged = fixtures::write_unit(run_, manifest_, 1, 9, 1);
  const auto file = run_.root() / damaged.receipt.file_name;
  std::string bytes = fixtures::read_bytes(file);
  bytes[bytes.size() / 2] ^= 1;
  fixtures::write_bytes(file, bytes);
  const Rebuilt rebuilt = rebuild();
  ASSERT_EQ(rebuilt.commits.size(), 1u);
  EXPECT_EQ(to_int(rebuilt.commits[0].unit), 0);
  EXPECT_EQ(rebuilt.highest_epoch, 9u);
}

TEST_F(RebuildTest, MissingAndShortPartsAreLost) {
  LedgerContents contents;
  for (int unit = 0; unit < 3; ++unit) {
    UnitCommit commit;
    commit.unit = UnitIndex{unit};
    commit.receipt = fixtures::write_unit(run_, manifest_, unit, 1, 1).receipt;
    contents.commits.push_back(commit);
  }
  EXPECT_TRUE(lost_parts(run_, contents).empty());
  std::filesystem::remove(run_.root() / contents.commits[0].receipt.file_name);
  const auto cut = run_.root() / contents.commits[2].receipt.file_name;
  std::filesystem::resize_file(cut, 10);
  EXPECT_EQ(lost_parts(run_, contents),
            (std::vector<UnitIndex>{UnitIndex{0}, UnitIndex{2}}));
  fixtures::write_bytes(run_.results(), "all is merged");
  EXPECT_TRUE(lost_parts(run_, contents).empty());
}

}  // namespace
}  // namespace lens::coordinator
