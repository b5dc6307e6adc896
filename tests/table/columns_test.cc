#include "table/columns.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace lens::table {
namespace {

TEST(Columns, NamesAreUnique) {
  std::set<std::string_view> names;
  for (const Column& column : kColumns) {
    EXPECT_TRUE(names.insert(column.name).second) << column.name;
    EXPECT_EQ(find_column(column.name), &column);
  }
  EXPECT_EQ(find_column("entrop"), nullptr);
}

// Files of version 1 that lack a column are read; one that all had is missed.
TEST(Columns, ThoseOfTheFirstVersionAreNotOptional) {
  const std::set<std::string_view> first = {
      "sample_id",   "source_row",     "question_index", "language",
      "prompt",      "reference",      "answer",         "failure",
      "status",      "image_height",   "image_width",    "grid_height",
      "grid_width",  "image_tokens",   "prompt_tokens",  "answer_tokens",
      "score",       "entropy_mean",   "token_offset",   "token_sample",
      "token_id",    "token_position", "token_role",     "entropy",
      "kl_final",    "target_logprob", "target_rank",    "top_id",
      "top_logprob", "script_share",   "hidden_layer",   "hidden"};
  std::size_t found = 0;
  for (const Column& column : kColumns) {
    found += first.count(column.name);
    EXPECT_EQ(column.presence == Presence::kOptional,
              first.count(column.name) == 0)
        << column.name;
  }
  EXPECT_EQ(found, first.size());
}

TEST(Columns, RangesFollowTheVocabulary) {
  const Range ids = find_column("token_id")->valid_range(100);
  EXPECT_EQ(ids.low, 0);
  EXPECT_EQ(ids.high, 99);
  EXPECT_EQ(find_column("target_rank")->valid_range(100).high, 100);
  EXPECT_EQ(find_column("entropy")->valid_range(100).high,
            std::log(100.0) + kRangeSlack);
  EXPECT_TRUE(std::isnan(find_column("kl_final")->valid_range(100).high));
  EXPECT_TRUE(std::isnan(find_column("hidden")->valid_range(100).low));
}

TEST(Columns, GroupsWithoutRawStatesLackTheirColumns) {
  Widths widths = {.layers = 3, .ranks = 2, .scripts = 4};
  EXPECT_FALSE(widths.has(*find_column("hidden")));
  EXPECT_TRUE(widths.has(*find_column("entropy")));
  widths.hidden_layers = 1;
  widths.hidden_size = 8;
  EXPECT_TRUE(widths.has(*find_column("hidden")));
  widths.columns.reset(column_index<"entropy">());
  EXPECT_FALSE(widths.has(*find_column("entropy")));
}

TEST(Columns, ShapesFollowTheExtents) {
  const Extents extents = {.samples = 2,
                           .tokens = 5,
                           .widths = {.layers = 3, .ranks = 2, .scripts = 4}};
  EXPECT_EQ(extents.shape(*find_column("token_offset")),
            std::vector<std::int64_t>{3});
  EXPECT_EQ(extents.shape(*find_column("top_id")),
            (std::vector<std::int64_t>{5, 3, 2}));
  EXPECT_EQ(extents.widths.row_elements(*find_column("script_share")), 12);
}

}  // namespace
}  // namespace lens::table
