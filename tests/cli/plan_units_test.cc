#include "cli/plan_units.h"

#include <gtest/gtest.h>

namespace lens::cli {
namespace {

std::vector<data::RowOutline> rows(
    const std::vector<std::pair<std::string, int>>& described) {
  std::vector<data::RowOutline> outline;
  for (const auto& [language, samples] : described)
    outline.push_back({.row = static_cast<std::int64_t>(outline.size()),
                       .language = language,
                       .samples = samples});
  return outline;
}

TEST(PlanUnits, UnitsAreConsecutiveAndCoverEverySample) {
  const auto outline = rows({{"", 1}, {"", 1}, {"", 1}, {"", 1}, {"", 1}});
  std::vector<storage::Unit> units;
  append_units("latex_ocr", select_rows(outline, {}, 0), 2, units);
  const std::vector<storage::Unit> expected = {{0, "latex_ocr", 0, 2, 0, 2},
                                               {1, "latex_ocr", 2, 4, 2, 2},
                                               {2, "latex_ocr", 4, 5, 4, 1}};
  EXPECT_EQ(units, expected);
}

TEST(PlanUnits, QuestionsOfAnImageStayTogetherButForTheLimit) {
  const auto outline = rows({{"RU", 3}, {"KR", 4}, {"RU", 2}});
  const SelectedRows selected = select_rows(outline, {}, 5);
  EXPECT_EQ(selected.rows.size(), 2u);
  EXPECT_EQ(selected.samples, 5);
  std::vector<storage::Unit> units;
  append_units("mtvqa", selected, 1, units);
  ASSERT_EQ(units.size(), 2u);
  EXPECT_EQ(units[0].samples, 3);
  EXPECT_EQ(units[1].samples, 2) << "4 questions, cut by the limit";
  EXPECT_EQ(units[1].first_sample, 3);
}

TEST(PlanUnits, LimitOnARowBoundaryTakesNoFurtherRow) {
  const SelectedRows selected =
      select_rows(rows({{"RU", 3}, {"RU", 2}}), {}, 3);
  EXPECT_EQ(selected.rows.size(), 1u);
  EXPECT_EQ(selected.samples, 3);
}

TEST(PlanUnits, OtherLanguagesAreSkippedAndDoNotCount) {
  const auto outline = rows({{"AR", 1}, {"RU", 2}, {"AR", 1}, {"RU", 1}});
  const SelectedRows selected = select_rows(outline, {"RU"}, 0);
  std::vector<storage::Unit> units = {{.index = 0, .dataset = "latex_ocr"}};
  append_units("mtvqa", selected, 8, units);
  ASSERT_EQ(units.size(), 2u);
  EXPECT_EQ(units[1], (storage::Unit{1, "mtvqa", 1, 4, 0, 3}));
}

TEST(PlanUnits, AutomaticSizeKeepsTheNumberOfUnitsInBounds) {
  EXPECT_EQ(auto_unit_images("cpu", 1000), 32);
  EXPECT_EQ(auto_unit_images("cuda", 1000), 512);
  const std::int64_t rows = 30'000'000;
  const std::int64_t size = auto_unit_images("cuda", rows);
  EXPECT_LE((rows + size - 1) / size, kMaxUnitsPerDataset);
  EXPECT_GT((rows + size - 2) / (size - 1), kMaxUnitsPerDataset);
}

}  // namespace
}  // namespace lens::cli
