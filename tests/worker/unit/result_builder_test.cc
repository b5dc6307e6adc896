#include "worker/result_builder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"

namespace lens::worker {
namespace {

using storage::TokenRole;
using ::testing::ElementsAre;

// One state, one rank, one script; each value of a row is its number.
readout::LensRows rows_of(std::vector<engine::CapturedRow> captured) {
  readout::LensRows rows;
  rows.tokens = table::TokenRows({.layers = 1, .ranks = 1, .scripts = 1});
  rows.tokens.widths.columns.reset(table::column_index<"token_role">());
  for (std::size_t i = 0; i < captured.size(); ++i) {
    rows.tokens.get<"token_id">().push_back(
        static_cast<std::int32_t>(captured[i].target));
    rows.tokens.get<"token_position">().push_back(
        static_cast<std::int32_t>(captured[i].position));
    for (const table::Column& column : table::kColumns) {
      if (!column.of_states()) continue;
      std::visit(
          [&]<class Value>(std::vector<Value>& values) {
            if constexpr (std::is_arithmetic_v<Value>) {
              values.push_back(static_cast<Value>(i));
            }
          },
          rows.tokens.values(column));
    }
  }
  rows.captured = std::move(captured);
  return rows;
}

engine::CapturedRow row(int prompt, std::int64_t position, std::int64_t id) {
  return {prompt, position, id, std::nullopt};
}

storage::UnitResult result_with(std::size_t samples) {
  storage::UnitResult result;
  result.tokens = table::TokenRows({.layers = 1, .ranks = 1, .scripts = 1});
  result.samples.resize(samples);
  return result;
}

TEST(ResultBuilder, RowsOfEachSampleStandByPosition) {
  const std::vector<TokenRole> roles = {TokenRole::kTemplate,
                                        TokenRole::kImage};
  // As a batch captures them: step by step over all sequences.
  const readout::LensRows rows =
      rows_of({row(0, 2, 10), row(1, 2, 20), row(1, 3, 21), row(0, 3, 11)});
  const std::vector<RanSample> ran = {{0, roles}, {2, roles}};
  const std::vector<engine::Generation> generations = {
      {.ids = {10, 11}, .ended = true, .shared_with = 0, .shared_length = 0},
      {.ids = {20, 21}, .ended = false, .shared_with = 1, .shared_length = 0}};
  storage::UnitResult result = result_with(3);
  append_rows(ran, generations, rows, nullptr,
              TokenSelection::parse({"answer"}), &result);
  EXPECT_THAT(result.token_offset, ElementsAre(0, 2, 2, 4));
  EXPECT_THAT(result.tokens.get<"token_id">(), ElementsAre(10, 11, 20, 21));
  EXPECT_THAT(result.tokens.get<"token_position">(), ElementsAre(2, 3, 2, 3));
  EXPECT_THAT(result.tokens.get<"token_role">(), ElementsAre(3, 4, 3, 3));
  EXPECT_THAT(result.tokens.get<"entropy">(), ElementsAre(0, 3, 1, 2));
  // The end token is no token of the answer.
  EXPECT_EQ(result.samples[0].answer_tokens, 1);
  EXPECT_EQ(result.samples[0].entropy_mean[0], 0.0f);
  EXPECT_EQ(result.samples[2].entropy_mean[0], 1.5f);
  // A sample that was not run owns nothing.
  EXPECT_TRUE(std::isnan(result.samples[1].entropy_mean[0]));
}

TEST(ResultBuilder, RowsOfASharedPrefixAreRepeated) {
  const std::vector<TokenRole> roles = {TokenRole::kTemplate, TokenRole::kImage,
                                        TokenRole::kQuestion};
  // Position 1 was captured once, under prompt 0.
  const readout::LensRows rows = rows_of(
      {row(0, 1, 5), row(0, 2, 6), row(1, 2, 7), row(0, 3, 8), row(1, 3, 9)});
  const std::vector<RanSample> ran = {{0, roles}, {1, roles}};
  const std::vector<engine::Generation> generations = {
      {.ids = {8}, .ended = true, .shared_with = 0, .shared_length = 2},
      {.ids = {9}, .ended = true, .shared_with = 0, .shared_length = 2}};
  storage::UnitResult result = result_with(2);
  append_rows(ran, generations, rows, nullptr, TokenSelection::parse({"all"}),
              &result);
  EXPECT_THAT(result.tokens.get<"token_id">(), ElementsAre(5, 6, 8, 5, 7, 9));
  EXPECT_THAT(result.tokens.get<"token_role">(), ElementsAre(1, 2, 4, 1, 2, 4));
  // An answer of the end token alone has no mean.
  EXPECT_EQ(result.samples[0].answer_tokens, 0);
  EXPECT_TRUE(std::isnan(result.samples[0].entropy_mean[0]));
}

TEST(ResultBuilder, AnswersCountEvenWhereTheirRowsAreNotKept) {
  const std::vector<TokenRole> roles = {TokenRole::kTemplate,
                                        TokenRole::kImage};
  const readout::LensRows rows = rows_of({row(0, 1, 4), row(0, 2, 9)});
  const std::vector<RanSample> ran = {{0, roles}};
  const std::vector<engine::Generation> generations = {
      {.ids = {9}, .ended = false, .shared_with = 0, .shared_length = 0}};
  storage::UnitResult result = result_with(1);
  append_rows(ran, generations, rows, nullptr, TokenSelection::parse({"image"}),
              &result);
  EXPECT_THAT(result.tokens.get<"token_id">(), ElementsAre(4));
  EXPECT_EQ(result.samples[0].answer_tokens, 1);
  EXPECT_EQ(result.samples[0].entropy_mean[0], 1.0f);
}

TEST(ResultBuilder, SampleThatFailedAfterItRanGetsNoRows) {
  const std::vector<TokenRole> roles = {TokenRole::kTemplate,
                                        TokenRole::kImage};
  const readout::LensRows rows =
      rows_of({row(0, 2, 10), row(1, 2, 20), row(2, 2, 30)});
  const std::vector<RanSample> ran = {{0, roles}, {1, roles}, {2, roles}};
  std::vector<engine::Generation> generations;
  for (const int id : {10, 20, 30}) {
    generations.push_back(
        {.ids = {id}, .ended = false, .shared_with = 0, .shared_length = 0});
  }
  const TokenSelection selection = TokenSelection::parse({"answer"});
  storage::UnitResult result = result_with(3);
  append_rows(ran, generations, rows, nullptr, selection, &result);
  EXPECT_THAT(result.tokens.get<"token_id">(), ElementsAre(10, 20, 30));

  result.samples[1].status = storage::SampleStatus::kFailed;
  remove_rows(&result);
  append_rows(ran, generations, rows, nullptr, selection, &result);
  EXPECT_THAT(result.tokens.get<"token_id">(), ElementsAre(10, 30));
  EXPECT_THAT(result.token_offset, ElementsAre(0, 1, 1, 2));
  EXPECT_TRUE(std::isnan(result.samples[1].entropy_mean.at(0)));
  EXPECT_EQ(result.samples.size(), 3u);
}

TEST(TokenSelection, UnknownWordIsRefused) {
  EXPECT_THROW(TokenSelection::parse({"answers"}), InputError);
  EXPECT_TRUE(TokenSelection::parse({"all"}).takes(TokenRole::kTemplate));
  EXPECT_FALSE(TokenSelection::parse({"question"}).takes(TokenRole::kTemplate));
}

}  // namespace
}  // namespace lens::worker
