#include "analysis/view/query.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace lens::analysis::view {
namespace {

using testing::HasSubstr;

constexpr int kLayers = 4;

class QueryTest : public testing::Test {
 protected:
  QueryTest() {
    table_.population.dataset = "mtvqa";
    row_.sample_id = "12.0";
    row_.language = "RU";
    row_.ok = true;
    row_.verdict = metrics::Verdict::kWrong;
    row_.score = 0.9f;
    row_.image_width = 640;
    row_.image_tokens = 100;
    row_.tokens = 3;
    row_.entropy = {8, 4, 2, 0.5f};
    row_.kl_final = {3, 2, 1, 0};
    row_.log_rank = {2, 1, 0, 0};
    row_.agreement = {0, 0, 0.5f, 1};
    row_.target_logprob = {-9, -4, -2, -1};
    row_.onset_count = {0, 1, 2, 0};
    row_.depth_count = {0, 0, 0, 3};
    row_.first_hit_count = {0, 0, 0, 0};
    texts_.prompt = "Что здесь?";
    texts_.answer = "a \"quoted\" \\frac{x}{y}\n";
    texts_.reference = "Привет";
    failed_.ok = false;
    failed_.failure = "the image is cut short";
    failed_.score = std::numeric_limits<float>::quiet_NaN();
  }

  bool holds(std::string_view query) const {
    return Query::parse(query, kLayers)
        .matches({.table = &table_, .row = &row_, .texts = &texts_});
  }

  bool holds_for_failed(std::string_view query) const {
    return Query::parse(query, kLayers)
        .matches({.table = &table_, .row = &failed_, .texts = &texts_});
  }

  static std::string error_of(std::string_view query) {
    try {
      Query::parse(query, kLayers);
    } catch (const QueryError& error) {
      return error.what();
    }
    return "";
  }

  metrics::SampleTable table_;
  metrics::SampleRow row_, failed_;
  SampleTexts texts_;
};

TEST_F(QueryTest, ComparesEachField) {
  EXPECT_TRUE(holds("entropy@1 < 5"));
  EXPECT_FALSE(holds("entropy@1 < 4"));
  EXPECT_TRUE(holds("entropy@1 <= 4"));
  EXPECT_TRUE(holds("entropy@-1 = 0.5"));
  EXPECT_TRUE(holds("kl@0 >= 3 and kl@3 = 0"));
  EXPECT_TRUE(holds("rank@0 > 7.38 and rank@0 < 7.39"));  // e^2
  EXPECT_TRUE(holds("agreement@2 = .5"));
  EXPECT_TRUE(holds("logprob@-1 > -1.5"));
  EXPECT_TRUE(holds("onset > 1.66 and onset < 1.67"));  // (1 + 2 + 2) / 3
  EXPECT_TRUE(holds("depth = 3"));
  EXPECT_TRUE(holds("image_width >= 640 and image_tokens != 99"));
  EXPECT_TRUE(holds("dataset = mtvqa and sample_id = 12.0"));
  EXPECT_TRUE(holds("language != DE and status = ok"));
  EXPECT_TRUE(holds("reference ~ риве and prompt ~ 'здесь?'"));
}

TEST_F(QueryTest, AFloatEqualsTheNumberItIsWrittenAs) {
  EXPECT_TRUE(holds("score = 0.9"));
  EXPECT_TRUE(holds("score >= 0.9"));
  EXPECT_FALSE(holds("score > 0.9"));
}

TEST_F(QueryTest, TextIsComparedByteByByte) {
  EXPECT_FALSE(holds("language = ru"));
  EXPECT_FALSE(holds("reference ~ привет"));
  EXPECT_TRUE(holds("failure = ''"));
}

TEST_F(QueryTest, QuotedTextHasEscapes) {
  EXPECT_TRUE(holds("answer ~ '\"quoted\"'"));
  EXPECT_TRUE(holds("answer ~ \"\\\"quoted\\\"\""));
  EXPECT_TRUE(holds("answer ~ '\\frac'"));
  EXPECT_TRUE(holds("answer ~ '\\\\frac'"));
  EXPECT_TRUE(holds("answer ~ '}\\n'"));
}

TEST_F(QueryTest, WordsSpeakOfVerdictAndStatus) {
  EXPECT_TRUE(holds("wrong"));
  EXPECT_FALSE(holds("right"));
  EXPECT_TRUE(holds("ok and not failed"));
  EXPECT_TRUE(holds_for_failed("failed"));
  EXPECT_FALSE(holds_for_failed("right or wrong or ok"));
}

TEST_F(QueryTest, NotBindsBeforeAndBeforeOr) {
  EXPECT_TRUE(holds("wrong or right and right"));
  EXPECT_FALSE(holds("(wrong or right) and right"));
  EXPECT_TRUE(holds("not right and wrong"));
  EXPECT_FALSE(holds("not (right or wrong)"));
  EXPECT_TRUE(holds("not not wrong"));
  EXPECT_TRUE(holds("right and right or wrong"));
}

TEST_F(QueryTest, NamesMayBeInCapitals) {
  EXPECT_TRUE(holds("NOT Right AND Entropy@1<5 And LANGUAGE=RU"));
}

TEST_F(QueryTest, WhatIsMissingFulfilsNoComparison) {
  for (const char* query :
       {"score < 1", "score >= 1", "score != 1", "entropy@0 != 1", "onset < 99",
        "image_tokens >= 0", "answer = ''", "answer != x", "verdict != right"})
    EXPECT_FALSE(holds_for_failed(query)) << query;
  EXPECT_TRUE(holds_for_failed("not score < 1"));
  EXPECT_FALSE(holds("first_hit >= 0"));
}

TEST_F(QueryTest, TextIsReadOnlyWhereItIsNamed) {
  EXPECT_FALSE(Query::parse("wrong and language = RU", kLayers).needs_texts());
  EXPECT_TRUE(Query::parse("wrong and answer ~ x", kLayers).needs_texts());
}

TEST_F(QueryTest, FieldsAreNamedOnceInTheirOrder) {
  const Query query = Query::parse(
      "entropy@-1 < 1 and wrong or entropy@3 > 0 and language = RU", kLayers);
  std::vector<std::string> names;
  for (const QueryField& field : query.fields()) names.push_back(field.name());
  EXPECT_THAT(names, testing::ElementsAre("entropy@3", "verdict", "language"));
}

TEST_F(QueryTest, ACaretStandsUnderTheFault) {
  EXPECT_EQ(error_of("wrong and entropy@9 < 1"),
            "cannot understand the query (entropy has the layers 0 to 3); give "
            "one of these, or -1 for the last\n"
            "  wrong and entropy@9 < 1\n"
            "                    ^");
  // Wide letters before the fault.
  EXPECT_THAT(error_of("answer = 日本 and foo"),
              HasSubstr("\n  answer = 日本 and foo\n"
                        "                    ^"));
}

TEST_F(QueryTest, FaultsAreNamed) {
  const std::pair<const char*, const char*> faults[] = {
      {"", "it ends where a condition is expected"},
      {"wrong and", "it ends where a condition is expected"},
      {"wrong language", "more follows where it could end"},
      {"(wrong", "this parenthesis is not closed"},
      {"wrong)", "more follows"},
      {"entropi@1 < 2", "there is no field entropi"},
      {"entropy < 2", "entropy needs a layer"},
      {"score@1 < 2", "score has no layers"},
      {"entropy@ < 2", "entropy has the layers 0 to 3"},
      {"entropy@-5 < 2", "entropy has the layers 0 to 3"},
      {"entropy@1", "a comparison is expected"},
      {"entropy@1 < x", "a number is expected"},
      {"entropy@1 < 1x", "a number is expected"},
      {"entropy@1 < nan", "a number is expected"},
      {"entropy@1 < 1e999", "a number is expected"},
      {"entropy@1 ~ 1", "entropy@1 is a number"},
      {"language < RU", "language is text"},
      {"language =", "text is expected"},
      {"answer = \"x", "this text has no end"},
      {"not", "it ends where a condition is expected"},
      {"= 3", "a condition is expected here"}};
  for (const auto& [query, fault] : faults)
    EXPECT_THAT(error_of(query), HasSubstr(fault)) << query;
}

TEST_F(QueryTest, DeepNestingIsRefusedAndNotFatal) {
  EXPECT_THAT(error_of(std::string(100000, '(')), HasSubstr("nested too deep"));
  std::string nots;
  for (int i = 0; i < 100000; ++i) nots += "not ";
  EXPECT_THAT(error_of(nots + "wrong"), HasSubstr("nested too deep"));
  EXPECT_TRUE(holds(std::string(50, '(') + "wrong" + std::string(50, ')')));
}

}  // namespace
}  // namespace lens::analysis::view
