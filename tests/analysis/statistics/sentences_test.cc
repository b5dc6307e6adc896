#include "analysis/statistics/sentences.h"

#include <gtest/gtest.h>

#include <cmath>

namespace lens::analysis::statistics {
namespace {

// Test alone is GoogleTest's inside a test.
using StudyTest = ::lens::analysis::statistics::Test;
LayerEstimate layer(double value, double low, double high) {
  return {.value = value, .interval = {low, high}, .count = 10};
}

StudyTest two_groups() {
  StudyTest test;
  test.populations = {{.dataset = "mtvqa"}, {.dataset = "latex_ocr"}};
  test.group_pictures = {40, 50};
  test.group_means = {18.2, 21.4};
  test.effect = 2.5;
  test.p_adjusted = 0.0004;
  return test;
}

TEST(TestSentence, OneLayerForBoth) {
  StudyTest test = two_groups();
  test.p_adjusted = 0.43;
  EXPECT_EQ(
      test_sentence(test, std::vector{layer(21, 20, 21), layer(21, 21, 22)}, 1),
      "The onset layer is 21 [20, 22] for both (mtvqa and latex_ocr); no "
      "difference found (p = 0.43).");
}

TEST(TestSentence, LayersThatMayDifferAreNotSaidToDiffer) {
  StudyTest test = two_groups();
  test.p_adjusted = 0.2;
  EXPECT_EQ(
      test_sentence(test, std::vector{layer(20, 19, 21), layer(21, 21, 22)}, 3),
      "The onset layer of the mean curve is 20 [19, 21] for mtvqa and 21 "
      "[21, 22] for latex_ocr; that of the tokens is 18.2 and 21.4 on average "
      "over pictures: no difference found (p = 0.20, corrected for 3 tests).");
}

TEST(TestSentence, ADifferenceHasItsSizeAndDirection) {
  StudyTest test = two_groups();
  test.significant = true;
  EXPECT_EQ(
      test_sentence(test, std::vector{layer(18, 18, 19), layer(21, 21, 22)}, 9),
      "The onset layer differs: 18 [18, 19] for mtvqa and 21 [21, 22] "
      "for latex_ocr; over pictures it comes 3.2 layers later for "
      "latex_ocr (Cohen's d = 2.50, p < 0.001, corrected for 9 tests).");
}

TEST(TestSentence, ARelationHasItsDirection) {
  StudyTest test;
  test.kind = &test_kinds().back();
  test.populations = {{.dataset = "mtvqa"}};
  test.group_pictures = {812};
  test.effect = -0.42;
  test.p_adjusted = 0.012;
  test.significant = true;
  EXPECT_EQ(test_sentence(test, {}, 1),
            "The onset layer goes with the answer length over 812 pictures of "
            "mtvqa: the larger, the earlier (Spearman rho = -0.42, p = "
            "0.012).");
  test.effect = std::nan("");
  EXPECT_NE(test_sentence(test, {}, 1).find("cannot be said"),
            std::string::npos);
}

TEST(LayerText, SaysNoneAndLeavesOutWhatIsNotThere) {
  const double nan = std::nan("");
  EXPECT_EQ(layer_text(layer(nan, nan, nan)), "none");
  EXPECT_EQ(layer_text(layer(21, nan, nan)), "21");
  EXPECT_EQ(layer_text(layer(20.55, 20, 21.04), 1), "20.6 [20.0, 21.0]");
}

TEST(PText, KeepsSmallOnesReadable) {
  EXPECT_EQ(p_text(0.0001), "p < 0.001");
  EXPECT_EQ(p_text(0.0123), "p = 0.012");
  EXPECT_EQ(p_text(0.43), "p = 0.43");
}

}  // namespace
}  // namespace lens::analysis::statistics
