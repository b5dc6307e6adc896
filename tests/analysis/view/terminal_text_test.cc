#include "analysis/view/terminal_text.h"

#include <gtest/gtest.h>

#include <cmath>

#include "analysis/view/terminal_colour.h"

namespace lens::analysis::view {
namespace {

TEST(TerminalText, WidthsAreThoseOfATerminal) {
  EXPECT_EQ(display_width("abc"), 3);
  EXPECT_EQ(display_width("日本"), 4);
  EXPECT_EQ(display_width("한국"), 4);
  EXPECT_EQ(display_width("e\u0301"), 1);  // a letter and its mark
  EXPECT_EQ(display_width("ที่"), 1);        // a letter and two marks
  EXPECT_EQ(display_width("🙂"), 2);
  EXPECT_EQ(display_width("👩‍👩‍👧"), 2);  // joined
  EXPECT_EQ(display_width("שלום"), 4);
  EXPECT_EQ(display_width(""), 0);
}

TEST(TerminalText, NothingMovesTheCursorOrTheDirection) {
  EXPECT_EQ(one_line_text("a\nb\rc\td"), "a↵b␍c⇥d");
  EXPECT_EQ(one_line_text("\x1b[31m"), "\\x1b[31m");
  EXPECT_EQ(one_line_text(std::string_view("\0\x7f", 2)), "\\x00\\x7f");
  EXPECT_EQ(one_line_text("\u0085"), "\\x85");  // NEL
  EXPECT_EQ(one_line_text("\xff\xe4\xb8"), "\\xff\\xe4\\xb8");
  EXPECT_EQ(one_line_text("a\u202Eb\u2066c\u2028"), "a\\u202eb\\u2066c\\u2028");
  EXPECT_EQ(one_line_text("\u0301"), "\u25CC\u0301");
  EXPECT_EQ(one_line_text("a b"), "a b");
  EXPECT_EQ(visible_token(" a b"), "␣a␣b");
}

TEST(TerminalText, FitTakesExactlyItsWidth) {
  EXPECT_EQ(fit("ab", 4), "ab  ");
  EXPECT_EQ(fit("abcd", 4), "abcd");
  EXPECT_EQ(fit("abcde", 4), "abc…");
  EXPECT_EQ(fit("日本語", 6), "日本語");
  EXPECT_EQ(fit("日本語", 5), "日本…");
  EXPECT_EQ(fit("日本語", 4), "日… ");  // half a letter is none
  EXPECT_EQ(fit("e\u0301e\u0301e\u0301", 2), "e\u0301…");
  for (const char* text : {"abc", "日本語", "👩‍👩‍👧x", "ที่ที่"})
    for (int width = 1; width < 8; ++width)
      EXPECT_EQ(display_width(fit(text, width)), width) << text;
}

TEST(TerminalText, RightToLeftIsIsolated) {
  EXPECT_EQ(fit("שלום", 6), "\u2068שלום\u2069  ");
  EXPECT_EQ(display_width(fit("العربية", 5)), 5);
  EXPECT_EQ(fit("abc", 3), "abc");
}

TEST(TerminalText, LinesBreakAtBlanks) {
  EXPECT_EQ(wrapped("one two three", 10, 0), "one two \nthree");
  EXPECT_EQ(wrapped("one two three", 12, 2), "one two \n  three");
  EXPECT_EQ(wrapped("日本語日本語日本語", 12, 2), "日本語日本\n  語日本語");
}

TEST(TerminalColour, LettersContrastWithTheirGround) {
  // The light end: black on yellow. The dark end: white on violet.
  const auto entropy = figures::HeatMap::Scale::kEntropy;
  EXPECT_EQ(cell_colour(entropy, 0, false),
            "\x1b[0;38;2;0;0;0;48;2;253;231;37m");
  EXPECT_EQ(cell_colour(entropy, 1, false),
            "\x1b[0;38;2;255;255;255;48;2;68;1;84m");
  EXPECT_EQ(cell_colour(entropy, 7, true),
            "\x1b[0;1;4;38;2;255;255;255;48;2;68;1;84m");
  EXPECT_EQ(
      cell_colour(entropy, std::nan(""), false),
      cell_colour(figures::HeatMap::Scale::kProbability, std::nan(""), false));
}

TEST(TerminalColour, IsThatOfTheFigures) {
  const auto probability = figures::HeatMap::Scale::kProbability;
  EXPECT_NE(cell_colour(probability, 0.5, false),
            cell_colour(figures::HeatMap::Scale::kEntropy, 0.5, false));
  EXPECT_EQ(figures::scale_colour(probability, 0), "#fdf7e1");
  EXPECT_EQ(cell_colour(probability, 0, false),
            "\x1b[0;38;2;0;0;0;48;2;253;247;225m");
}

}  // namespace
}  // namespace lens::analysis::view
