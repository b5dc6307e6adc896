#include "input/data/score.h"

#include <gtest/gtest.h>

namespace lens::data {
namespace {

float mtvqa(std::string_view answer, std::string_view reference) {
  return score(DatasetKind::kMtvqa, answer, reference);
}

float latex(std::string_view answer, std::string_view reference) {
  return score(DatasetKind::kLatexOcr, answer, reference);
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

}  // namespace
}  // namespace lens::data
