#include "analysis/metrics/language_script.h"

#include <gtest/gtest.h>

namespace lens::analysis::metrics {
namespace {

TEST(LanguageScript, KnowsAllLanguagesOfTheDataSet) {
  for (const char* language :
       {"AR", "DE", "FR", "IT", "JA", "KR", "RU", "TH", "VI"})
    EXPECT_NE(script_name_of_language(language), "") << language;
}

TEST(LanguageScript, CaseDoesNotMatter) {
  EXPECT_EQ(script_name_of_language("ru"), "Cyrillic");
  EXPECT_EQ(script_name_of_language("JA"), "Kana and Han");
}

TEST(LanguageScript, SaysNothingOfWhatItDoesNotKnow) {
  EXPECT_EQ(script_name_of_language(""), "");
  EXPECT_EQ(script_name_of_language("tlh"), "");
}

}  // namespace
}  // namespace lens::analysis::metrics
