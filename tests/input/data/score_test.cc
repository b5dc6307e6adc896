#include "input/data/score.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

namespace lens::data {
namespace {

float scored(ScoreRule rule, std::string_view answer,
             const std::vector<std::string>& references) {
  return score(rule, answer, references);
}

float mtvqa(std::string_view answer, std::string_view reference) {
  return scored(ScoreRule::kMtvqa, answer, {std::string(reference)});
}

float latex(std::string_view answer, std::string_view reference) {
  return scored(ScoreRule::kEdit, answer, {std::string(reference)});
}

TEST(MtvqaScore, ReferenceMustBeWithinTheAnswer) {
  EXPECT_EQ(mtvqa("The year is 1998, I think", "1998"), 1.0F);
  EXPECT_EQ(mtvqa("1998", "The year is 1998"), 0.0F);
  EXPECT_EQ(mtvqa("", "a"), 0.0F);
  EXPECT_EQ(mtvqa("anything", ""), 1.0F);
}

TEST(MtvqaScore, CaseAndOuterSpaceDoNotCount) {
  EXPECT_EQ(mtvqa("\u3000ΟΔΟΣ ", "οδος\u00a0"), 1.0F);
  EXPECT_EQ(mtvqa("УЛИЦА Ленина", "\tулица ленина\n"), 1.0F);
  EXPECT_EQ(mtvqa("a b", "ab"), 0.0F);
}

TEST(MtvqaScore, OnlyTheAnswerLosesItsDots) {
  EXPECT_EQ(mtvqa("Yuyuan Rd.", "yuyuan rd"), 1.0F);
  EXPECT_EQ(mtvqa("Yuyuan Rd.", "Yuyuan Rd."), 0.0F);
}

TEST(MtvqaScore, LowerCaseIsPythons) {
  // One capital letter becomes two characters.
  EXPECT_EQ(mtvqa("\u0130", "i\u0307"), 1.0F);
  // A capital sigma at the end of a word becomes the final one.
  EXPECT_EQ(mtvqa("ΣΑΣ", "σας"), 1.0F);
  EXPECT_EQ(mtvqa("STRASSE", "straße"), 0.0F);
}

TEST(LatexScore, IsOneMinusTheNormalisedEditDistance) {
  EXPECT_FLOAT_EQ(latex("kitten", "sitting"), 1.0F - 3.0F / 7.0F);
  EXPECT_FLOAT_EQ(latex("abc", "abc"), 1.0F);
  EXPECT_FLOAT_EQ(latex("", "abc"), 0.0F);
  EXPECT_FLOAT_EQ(latex("", ""), 1.0F);
  EXPECT_FLOAT_EQ(latex("xabcx", "ab"), 0.4F);
}

TEST(LatexScore, WhiteSpaceDoesNotCount) {
  EXPECT_FLOAT_EQ(latex("\\frac{1}{2}", "\\frac { 1 } { 2 }\n"), 1.0F);
  EXPECT_FLOAT_EQ(latex("  ", "\t"), 1.0F);
}

TEST(LatexScore, CountsCodePointsNotBytes) {
  EXPECT_FLOAT_EQ(latex("αβ", "αγ"), 0.5F);
}

TEST(LatexScore, IsSymmetric) {
  EXPECT_EQ(latex("aabba", "bab"), latex("bab", "aabba"));
}

TEST(ContainsScore, AnyReferenceWithinTheAnswerIsEnough) {
  EXPECT_EQ(scored(ScoreRule::kContains, "The CAFE is open.", {"bar", "cafe"}),
            1.0F);
  EXPECT_EQ(scored(ScoreRule::kContains, "a\nb", {"A B"}), 1.0F);
  EXPECT_EQ(scored(ScoreRule::kContains, "Ｏｐｅｎ", {"open"}), 1.0F);
  EXPECT_EQ(scored(ScoreRule::kContains, "ope", {"open"}), 0.0F);
}

TEST(OcrBenchScore, FormulasAreHeldWithTheirCapitals) {
  EXPECT_EQ(rule_of(ScoreRule::kOcrBench, "Doc-oriented VQA"),
            ScoreRule::kContains);
  const ScoreRule formula = rule_of(
      ScoreRule::kOcrBench, "Handwritten Mathematical Expression Recognition");
  EXPECT_EQ(scored(formula, "It is X ^ { 2 }\n+1", {"X^{2}+1"}), 1.0F);
  EXPECT_EQ(scored(formula, "x^2", {"X^2"}), 0.0F);
  EXPECT_EQ(rule_of(ScoreRule::kEdit, "DE"), ScoreRule::kEdit);
}

TEST(ExactScore, ComparesAsItIs) {
  EXPECT_EQ(scored(ScoreRule::kExact, "yes", {"no", "yes"}), 1.0F);
  EXPECT_EQ(scored(ScoreRule::kExact, "Yes", {"yes"}), 0.0F);
}

TEST(AnlsScore, IsTheNearestReferenceOrNothingBelowAHalf) {
  EXPECT_FLOAT_EQ(
      scored(ScoreRule::kAnls, "Hello World", {"x", "hello  world"}), 1.0F);
  EXPECT_FLOAT_EQ(scored(ScoreRule::kAnls, "abcd", {"abcx"}), 0.75F);
  EXPECT_FLOAT_EQ(scored(ScoreRule::kAnls, "abcd", {"abxy"}), 0.5F);
  EXPECT_FLOAT_EQ(scored(ScoreRule::kAnls, "abcd", {"axyz"}), 0.0F);
  EXPECT_FLOAT_EQ(scored(ScoreRule::kAnls, "", {""}), 1.0F);
}

TEST(RelaxedScore, NumbersMayBeFivePercentOff) {
  const auto relaxed = [](std::string_view answer, const char* reference) {
    return scored(ScoreRule::kRelaxed, answer, {reference});
  };
  EXPECT_EQ(relaxed("105", "100"), 1.0F);
  EXPECT_EQ(relaxed("105.1", "100"), 0.0F);
  EXPECT_EQ(relaxed("50%", "0.5"), 1.0F);
  EXPECT_EQ(relaxed("1_000", "1e3"), 1.0F);
  EXPECT_EQ(relaxed("0", "0"), 1.0F);
  EXPECT_EQ(relaxed("0.01", "0"), 0.0F);
  EXPECT_EQ(relaxed("Yes", "yes"), 1.0F);
  EXPECT_EQ(relaxed("nan", "nan"), 0.0F);
  EXPECT_EQ(relaxed("1,000", "1000"), 0.0F);
}

TEST(VqaScore, CountsThoseWhoSayTheSame) {
  std::vector<std::string> people(10, "other");
  people[0] = "The cat";
  EXPECT_FLOAT_EQ(scored(ScoreRule::kVqa, "cat", people),
                  static_cast<float>(9.0 / 3 / 10));
  people[1] = people[2] = "cat";
  EXPECT_FLOAT_EQ(scored(ScoreRule::kVqa, "CAT", people),
                  static_cast<float>((7.0 + 3 * 2.0 / 3) / 10));
  people[3] = "a cat.";
  EXPECT_FLOAT_EQ(scored(ScoreRule::kVqa, "cat", people), 1.0F);
}

TEST(NoScore, IsNotANumber) {
  EXPECT_TRUE(std::isnan(scored(ScoreRule::kNone, "a", {"a"})));
  EXPECT_TRUE(std::isnan(scored(ScoreRule::kExact, "a", {})));
}

}  // namespace
}  // namespace lens::data
