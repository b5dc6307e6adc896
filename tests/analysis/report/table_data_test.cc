#include "analysis/report/table_data.h"

#include <gtest/gtest.h>

#include <cmath>

namespace lens::analysis::report {
namespace {

metrics::SampleTable make_table(const std::string& dataset, int samples) {
  metrics::SampleTable table;
  table.population.dataset = dataset;
  table.layers = 3;
  for (int i = 0; i < samples; ++i) {
    metrics::SampleRow row;
    row.sample = i;
    row.sample_id = std::to_string(i) + ".0";
    row.language = std::string(i % 2 == 0 ? "RU" : "AR");
    row.ok = i % 10 != 9;
    row.failure = row.ok ? "" : "the image is cut short";
    row.verdict =
        row.ok ? metrics::Verdict::kRight : metrics::Verdict::kUnknown;
    row.score = row.ok ? 1 : std::nanf("");
    if (row.ok) row.entropy = {5, 4, 1};
    row.depth_count = {0, 1, 1};
    table.rows.push_back(row);
  }
  return table;
}

TEST(Clipped, CutsBetweenCharacters) {
  EXPECT_EQ(clipped("abc", 3), "abc");
  EXPECT_EQ(clipped("日本語", 9), "日本語");
  EXPECT_EQ(clipped("日本語", 8), "日本…");
  EXPECT_EQ(clipped("日本語", 6), "日本…");
}

TEST(MeanLayer, WeighsLayersByTokens) {
  const std::vector<std::int32_t> count = {1, 0, 3}, none = {0, 0, 0};
  EXPECT_DOUBLE_EQ(mean_layer(count), 1.5);
  EXPECT_TRUE(std::isnan(mean_layer(none)));
}

TEST(ListedRows, HoldShownAndFailedOnesEvenWhenFew) {
  const std::vector<metrics::SampleTable> tables = {make_table("a", 100),
                                                    make_table("b", 100)};
  const std::vector<SampleKey> shown = {{.table = 1, .row = 44}};
  const auto listed = listed_rows(tables, shown, 30);
  ASSERT_EQ(listed.size(), 30u);
  std::size_t failed = 0, found = 0;
  for (const SampleKey& key : listed) {
    failed += !tables[key.table].rows[key.row].ok;
    found += key == shown[0];
  }
  EXPECT_EQ(failed, 20u);
  EXPECT_EQ(found, 1u);
}

TEST(ListedRows, AreAllInTheirOrderWhereThereIsRoom) {
  const std::vector<metrics::SampleTable> tables = {make_table("a", 12),
                                                    make_table("b", 5)};
  const auto listed = listed_rows(tables, {}, 17);
  ASSERT_EQ(listed.size(), 17u);
  for (std::size_t i = 0; i < 17; ++i)
    EXPECT_EQ(listed[i], (i < 12 ? SampleKey{.table = 0, .row = i}
                                 : SampleKey{.table = 1, .row = i - 12}));
}

TEST(TableJson, HoldsOneValueARowAndReasonsOnce) {
  const std::vector<metrics::SampleTable> tables = {make_table("a", 20)};
  const std::vector<SampleTexts> texts = {
      {.reference = std::vector<std::string>(20, "سلام"),
       .answer = std::vector<std::string>(20, "</script>")}};
  const auto listed = listed_rows(tables, {}, 20);
  const nlohmann::json json = table_json(tables, texts, listed, true);
  EXPECT_EQ(json["size"], 20);
  EXPECT_EQ(json["id"].size(), 20u);
  EXPECT_EQ(json["reference"][3], "سلام");
  EXPECT_EQ(json["languages"], (nlohmann::json{"RU", "AR"}));
  EXPECT_EQ(json["reasons"], (nlohmann::json{"the image is cut short"}));
  EXPECT_EQ(json["failure"], (nlohmann::json{{"9", 0}, {"19", 0}}));
  EXPECT_EQ(table_json(tables, texts, listed, false)["answer"].size(), 0u);
}

}  // namespace
}  // namespace lens::analysis::report
