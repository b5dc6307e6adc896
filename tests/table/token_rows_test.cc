#include "table/token_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <type_traits>

namespace lens::table {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Two tokens, two layers, one rank; values tell where they stand.
TokenRows two_tokens() {
  TokenRows rows({.layers = 2, .ranks = 1, .scripts = 1});
  for (const Column& column : kColumns) {
    if (!column.of_tokens() || !rows.widths.has(column)) continue;
    const auto count = 2 * rows.widths.row_elements(column);
    std::visit(
        [&]<class Value>(std::vector<Value>& values) {
          if constexpr (std::is_arithmetic_v<Value>) {
            for (std::int64_t i = 0; i < count; ++i) {
              values.push_back(static_cast<Value>(10 + i));
            }
          }
        },
        rows.values(column));
  }
  return rows;
}

TEST(TokenRows, NamesGiveTheTypeOfTheList) {
  TokenRows rows;
  static_assert(
      std::is_same_v<decltype(rows.get<"entropy">()), std::vector<float>&>);
  static_assert(std::is_same_v<decltype(rows.get<"target_rank">()),
                               std::vector<std::int32_t>&>);
  static_assert(std::is_same_v<decltype(rows.get<"token_role">()),
                               std::vector<std::uint8_t>&>);
  for (const Column& column : kColumns) {
    EXPECT_EQ(rows.values(column).index(), no_values(column.type).index());
  }
}

TEST(TokenRows, RowIsWhatOneTokenHas) {
  const TokenRows rows = two_tokens();
  EXPECT_EQ(rows.size(), 2u);
  EXPECT_THAT(rows.row<"entropy">(1), ElementsAre(12, 13));
  EXPECT_THAT(rows.row<"token_id">(1), ElementsAre(11));
  const auto view = rows.view(*find_column("target_rank"), 1);
  EXPECT_THAT(std::get<std::span<const std::int32_t>>(view),
              ElementsAre(12, 13));
}

TEST(TokenRows, AppendCopiesOneRowOfEveryColumn) {
  const TokenRows from = two_tokens();
  TokenRows rows(from.widths);
  rows.append(from, 1);
  rows.append(from, 0);
  rows.append(from, 1);
  for (const Column& column : kColumns) {
    if (!column.of_tokens() || !rows.widths.has(column)) continue;
    for (const std::size_t row : {0, 2}) {
      std::visit(
          [&]<class Span>(const Span& added) {
            const auto there = std::get<Span>(from.view(column, 1));
            EXPECT_TRUE(std::equal(added.begin(), added.end(), there.begin(),
                                   there.end()))
                << column.name;
          },
          rows.view(column, row));
    }
  }
  EXPECT_THAT(rows.get<"token_id">(), ElementsAre(11, 10, 11));
}

TEST(TokenRows, AppendLeavesOutWhatTheOtherLacks) {
  TokenRows from = two_tokens();
  from.widths.columns.reset(column_index<"token_role">());
  TokenRows rows(from.widths);
  rows.append(from, 1);
  EXPECT_THAT(rows.get<"token_role">(), IsEmpty());
  EXPECT_THAT(rows.get<"kl_final">(), ElementsAre(12, 13));
}

}  // namespace
}  // namespace lens::table
