#include "analysis/metrics/sample_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <numeric>

#include "analysis/metrics/sample_reducer.h"
#include "base/error.h"
#include "tests/analysis/planted/planted_results.h"
#include "tests/storage/fixtures.h"

namespace lens::analysis::metrics {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class SampleTableTest : public ::testing::Test {
 protected:
  SampleTable table(const planted::Plan& plan,
                    const std::string& dataset = "mtvqa",
                    const SampleTableOptions& options = {}) {
    results_ = std::make_unique<storage::ResultsReader>(
        planted::write_run(folder_.path(), plan));
    return read_sample_table(*results_, dataset, options);
  }

  storage::fixtures::TemporaryFolder folder_;
  std::unique_ptr<storage::ResultsReader> results_;
};

TEST_F(SampleTableTest, RowsHoldWhatTheFileSays) {
  const planted::Plan plan = {.failed_share = 0.2};
  const SampleTable read = table(plan);
  const auto expected =
      planted::make_samples(plan, plan.datasets[0], 0, 90).samples;
  ASSERT_EQ(read.rows.size(), expected.size());
  EXPECT_EQ(read.layers, 29);
  for (std::size_t s = 0; s < expected.size(); ++s) {
    const SampleRow& row = read.rows[s];
    EXPECT_EQ(row.sample, static_cast<std::int64_t>(s));
    EXPECT_EQ(row.sample_id, expected[s].sample_id);
    EXPECT_EQ(row.language, expected[s].language);
    EXPECT_EQ(row.failure, expected[s].failure);
    EXPECT_EQ(row.ok, expected[s].failure.empty());
    EXPECT_EQ(row.tokens, expected[s].answer_tokens);
    EXPECT_EQ(row.image_width, expected[s].image_width);
    if (row.tokens == 0) {
      EXPECT_THAT(row.entropy, IsEmpty());
      continue;
    }
    ASSERT_EQ(row.entropy.size(), 29u);
    for (std::size_t l = 0; l < 29; ++l)
      EXPECT_NEAR(row.entropy[l], expected[s].entropy_mean[l], 1e-5);
  }
}

// 0.9 as a float lies below 0.9 as a double; who asks for 0.9 means both.
TEST_F(SampleTableTest, AScoreEqualToTheOneAskedForIsRight) {
  const SampleTable first = table({.failed_share = 0}, "latex_ocr");
  const SampleRow& row = first.rows.front();
  const double asked = std::nextafter(static_cast<double>(row.score), 2.0);
  ASSERT_LT(row.score, asked);
  const SampleTable read =
      read_sample_table(*results_, "latex_ocr", {.right_score = asked});
  EXPECT_EQ(read.rows.front().verdict, Verdict::kRight);
}

TEST_F(SampleTableTest, CountsEveryTokenAtThePlantedLayer) {
  planted::Plan plan = {.noise_nats = 0,
                        .sample_spread = 0,
                        .token_spread = 0,
                        .failed_share = 0};
  plan.datasets[0].onset = 12;
  for (const SampleRow& row : table(plan).rows) {
    if (row.tokens == 0) continue;
    EXPECT_EQ(row.onset_count[12], row.tokens);
    EXPECT_EQ(row.drop_count[12], row.tokens);
    EXPECT_EQ(row.depth_count[14], row.tokens);
    EXPECT_EQ(row.settled, 14);
    EXPECT_EQ(row.same_answer[14], 1);
    EXPECT_EQ(row.same_answer[13], 0);
    EXPECT_EQ(std::accumulate(row.first_hit_count.begin(),
                              row.first_hit_count.end(), 0),
              row.tokens);
  }
}

TEST_F(SampleTableTest, VerdictFollowsTheScore) {
  const SampleTable strict = table({}, "latex_ocr");
  int wrong = 0;
  for (const SampleRow& row : strict.rows) {
    if (!row.ok) {
      EXPECT_EQ(row.verdict, Verdict::kUnknown);
      EXPECT_TRUE(std::isnan(row.score));
      continue;
    }
    EXPECT_EQ(row.verdict,
              row.score >= 0.9 ? Verdict::kRight : Verdict::kWrong);
    wrong += row.verdict == Verdict::kWrong;
  }
  EXPECT_GT(wrong, 0);
  const SampleTable mild =
      read_sample_table(*results_, "latex_ocr", {.right_score = 0});
  for (const SampleRow& row : mild.rows)
    EXPECT_NE(row.verdict, Verdict::kWrong);
}

TEST_F(SampleTableTest, SharesSumToOne) {
  for (const SampleRow& row : table({}).rows) {
    for (std::size_t at = 0; at < row.script_share.size(); at += 14)
      EXPECT_NEAR(
          std::accumulate(row.script_share.begin() + static_cast<long>(at),
                          row.script_share.begin() + static_cast<long>(at) + 14,
                          0.0),
          1, 0.01);
  }
}

TEST_F(SampleTableTest, IsTheSameHoweverTheRunWasCut) {
  planted::Plan plan;
  const SampleTable whole = table(plan);
  plan.unit_samples = 6;
  const SampleTable pieces = table(plan);
  ASSERT_EQ(whole.rows.size(), pieces.rows.size());
  for (std::size_t s = 0; s < whole.rows.size(); ++s) {
    EXPECT_EQ(whole.rows[s].sample_id, pieces.rows[s].sample_id);
    EXPECT_EQ(whole.rows[s].entropy, pieces.rows[s].entropy);
    EXPECT_EQ(whole.rows[s].script_share, pieces.rows[s].script_share);
    EXPECT_EQ(whole.rows[s].depth_count, pieces.rows[s].depth_count);
  }
}

TEST_F(SampleTableTest, TellsItsProgressToTheEnd) {
  std::int64_t last = 0;
  SampleTableOptions options;
  options.progress = [&](std::int64_t done, std::int64_t total) {
    EXPECT_LE(done, total);
    last = done;
  };
  table({}, "mtvqa", options);
  EXPECT_EQ(last, 90);
}

TEST_F(SampleTableTest, AnUnknownDatasetIsAnError) {
  EXPECT_THROW(table({}, "other"), StorageError);
}

// Two states, two ranks, one script; a token that is never on top.
TEST(SampleReducer, ATokenThatNoStateHasOnTopHasNoLayer) {
  TokenBlock block = {
      .row_begin = 100,
      .tokens = table::TokenRows({.layers = 2, .ranks = 2, .scripts = 1})};
  block.tokens.get<"token_id">() = {5};
  block.tokens.get<"entropy">() = {3, 1};
  block.tokens.get<"kl_final">() = {2, 0};
  block.tokens.get<"target_logprob">() = {-4, -2};
  block.tokens.get<"target_rank">() = {9, 2};
  block.tokens.get<"top_id">() = {1, 2, 3, 5};
  block.tokens.get<"script_share">() = {1, 1};
  std::vector<std::uint8_t> role(101, 3);
  SampleRow row;
  row.token_begin = 100;
  row.token_end = 101;
  SampleReducer(2, 2, 1, {}).reduce(block, role, row);
  EXPECT_EQ(row.tokens, 1);
  EXPECT_EQ(row.settled, kNoLayer);
  EXPECT_THAT(row.first_hit_count, Each(0));
  EXPECT_THAT(row.depth_count, ElementsAre(0, 1));
  EXPECT_THAT(row.agreement, Each(0));
  EXPECT_FLOAT_EQ(row.log_rank[0], std::log(9.0f));
  EXPECT_FLOAT_EQ(row.log_rank[1], std::log(2.0f));
}

// The end token decides whether the answer would have been the same, but enters
// no mean.
TEST(SampleReducer, TheEndTokenCountsForTheAnswerOnly) {
  TokenBlock block;
  block.tokens = table::TokenRows({.layers = 2, .ranks = 1, .scripts = 1});
  block.tokens.get<"token_id">() = {5, 6};
  block.tokens.get<"entropy">() = {3, 1, 9, 9};
  block.tokens.get<"kl_final">() = {2, 0, 9, 0};
  block.tokens.get<"target_logprob">() = {-4, -2, -9, -9};
  block.tokens.get<"target_rank">() = {1, 1, 2, 1};
  block.tokens.get<"top_id">() = {5, 5, 7, 6};
  block.tokens.get<"script_share">() = {1, 1, 1, 1};
  SampleRow row;
  row.token_end = 2;
  SampleReducer(2, 1, 1, {})
      .reduce(block, std::vector<std::uint8_t>{3, 4}, row);
  EXPECT_EQ(row.tokens, 1);
  EXPECT_THAT(row.entropy, ElementsAre(3, 1));
  EXPECT_THAT(row.agreement, Each(1));
  EXPECT_THAT(row.same_answer, ElementsAre(0, 1));
  EXPECT_EQ(row.settled, 1);
}

TEST(SampleReducer, AttentionIsReducedWhereTheFileHasIt) {
  const auto reduced = [](bool with) {
    table::Widths widths = {.layers = 3, .ranks = 1, .scripts = 1};
    if (with) widths.columns |= table::attention_columns();
    TokenBlock block;
    block.tokens = table::TokenRows(widths);
    block.tokens.get<"token_id">() = {5, 6, 7};
    block.tokens.get<"top_id">().assign(9, 5);
    block.tokens.get<"target_rank">().assign(9, 1);
    block.tokens.get<"entropy">().assign(9, 1);
    block.tokens.get<"kl_final">().assign(9, 0);
    block.tokens.get<"target_logprob">().assign(9, -1);
    block.tokens.get<"script_share">().assign(9, 1);
    // Two blocks; the third token ends the answer.
    if (with) block.tokens.get<"image_attention">() = {.5, .25, .25, .75, 1, 1};
    SampleRow row;
    row.token_end = 3;
    SampleReducer(3, 1, 1, {})
        .reduce(block, std::vector<std::uint8_t>{3, 3, 4}, row);
    return row;
  };
  EXPECT_THAT(reduced(true).image_attention, ElementsAre(0.375, 0.5));
  EXPECT_THAT(reduced(false).image_attention, IsEmpty());
}

TEST_F(SampleTableTest, TheFirstTokensAloneAreReadWhereAskedFor) {
  const SampleTable whole = table({.failed_share = 0});
  std::vector<std::int32_t> most(whole.rows.size(), 2);
  most[1] = 0;
  const SampleTable cut =
      read_sample_table(*results_, "mtvqa", {.most_tokens = most});
  EXPECT_EQ(cut.rows[1].tokens, 0);
  EXPECT_THAT(cut.rows[1].entropy, IsEmpty());
  for (std::size_t s = 0; s < whole.rows.size(); ++s)
    EXPECT_EQ(cut.rows[s].tokens, std::min(most[s], whole.rows[s].tokens));
  most.assign(whole.rows.size(), 1000);
  EXPECT_EQ(read_sample_table(*results_, "mtvqa", {.most_tokens = most})
                .rows[5]
                .entropy,
            whole.rows[5].entropy);
}

}  // namespace
}  // namespace lens::analysis::metrics
