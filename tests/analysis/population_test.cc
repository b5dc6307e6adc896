#include "analysis/population.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace lens::analysis {
namespace {

std::vector<Population> some(const std::string& run) {
  return {
      {.run = run, .dataset = "mtvqa"},
      {.run = run, .dataset = "mtvqa", .by = GroupBy::kLanguage, .value = "RU"},
      {.run = run,
       .dataset = "mtvqa",
       .by = GroupBy::kScript,
       .value = "Cyrillic"},
      {.run = run,
       .dataset = "mtvqa",
       .by = GroupBy::kVerdict,
       .value = "right"}};
}

TEST(Population, TheOnlyRunGoesUnmentioned) {
  const std::vector<Population> all = some("");
  EXPECT_EQ(all[0].words(), "mtvqa");
  EXPECT_EQ(all[1].words(), "RU of mtvqa");
  EXPECT_EQ(all[2].words(), "Cyrillic of mtvqa");
  EXPECT_EQ(all[3].words(), "right answers of mtvqa");
  EXPECT_EQ(all[0].short_words(), "mtvqa");
  EXPECT_EQ(all[3].short_words(), "right");
  EXPECT_EQ(all[0].key(), "mtvqa/dataset/");
  EXPECT_EQ(all[1].key(), "mtvqa/language/RU");
  EXPECT_EQ(all[1].file_key(), "mtvqa");
}

TEST(Population, OneRunOfSeveralIsNamed) {
  const std::vector<Population> all = some("B");
  EXPECT_EQ(all[0].words(), "mtvqa (run B)");
  EXPECT_EQ(all[3].words(), "right answers of mtvqa (run B)");
  EXPECT_EQ(all[0].short_words(), "mtvqa (run B)");
  EXPECT_EQ(all[3].short_words(), "right");
  EXPECT_EQ(all[0].name(), "mtvqa");
  EXPECT_EQ(all[3].key(), "B/mtvqa/verdict/right");
  EXPECT_EQ(all[3].file_key(), "B-mtvqa");
}

TEST(Population, KeysTellAllPopulationsApart) {
  std::set<std::string> keys;
  for (const char* run : {"", "A", "B"})
    for (const Population& population : some(run)) {
      keys.insert(population.key());
      EXPECT_EQ(population.whole(),
                (Population{.run = run, .dataset = "mtvqa"}));
    }
  EXPECT_EQ(keys.size(), 12u);
}

TEST(Population, WhatIsDrawnForOneRunIsDrawnForAll) {
  const std::vector<Population> first = some("A"), second = some("B");
  for (std::size_t i = 0; i < first.size(); ++i) {
    EXPECT_NE(first[i], second[i]);
    EXPECT_EQ(first[i].of_any_run(), second[i].of_any_run());
    EXPECT_EQ(first[i].of_any_run(), some("")[i]);
  }
}

TEST(Population, TwoShareTheirWords) {
  const Population right = {
      .dataset = "mtvqa", .by = GroupBy::kVerdict, .value = "right"};
  const Population wrong = {
      .dataset = "mtvqa", .by = GroupBy::kVerdict, .value = "wrong"};
  EXPECT_EQ(words_of(right, wrong), "right and wrong answers of mtvqa");
  EXPECT_EQ(words_of({.dataset = "latex_ocr"}, {.dataset = "mtvqa"}),
            "latex_ocr and mtvqa");
  EXPECT_EQ(words_of({.run = "A", .dataset = "mtvqa"},
                     {.run = "B", .dataset = "mtvqa"}),
            "mtvqa (run A) and mtvqa (run B)");
}

}  // namespace
}  // namespace lens::analysis
