#include "input/text/splitter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace lens::text {
namespace {

using Pieces = std::vector<std::string_view>;

TEST(Splitter, KeepsTheSpaceWithTheWord) {
  EXPECT_EQ(split_pieces("Hello world"), (Pieces{"Hello", " world"}));
  EXPECT_EQ(split_pieces("a  b"), (Pieces{"a", " ", " b"}));
  EXPECT_EQ(split_pieces("a\tb"), (Pieces{"a", "\tb"}));
  EXPECT_EQ(split_pieces("(a)b"), (Pieces{"(a", ")b"}));
}

TEST(Splitter, TakesNumbersOneByOne) {
  EXPECT_EQ(split_pieces("x12 3"), (Pieces{"x", "1", "2", " ", "3"}));
  EXPECT_EQ(split_pieces("\u00bd\u2167\u0e53"),
            (Pieces{"\u00bd", "\u2167", "\u0e53"}));
}

TEST(Splitter, FindsContractionsInAnyCase) {
  EXPECT_EQ(split_pieces("it's"), (Pieces{"it", "'s"}));
  EXPECT_EQ(split_pieces("WE'LL"), (Pieces{"WE", "'LL"}));
  EXPECT_EQ(split_pieces("a'\u017fb"), (Pieces{"a", "'\u017f", "b"}))
      << "the long s folds to s";
  EXPECT_EQ(split_pieces("'rx"), (Pieces{"'rx"}));
  EXPECT_EQ(split_pieces("' era"), (Pieces{"'", " era"}));
}

TEST(Splitter, JoinsBreaksToTheSymbolsBefore) {
  EXPECT_EQ(split_pieces("x;\r\n\ny"), (Pieces{"x", ";\r\n\n", "y"}));
  EXPECT_EQ(split_pieces(" -- a"), (Pieces{" --", " a"}));
}

TEST(Splitter, EndsSpaceAtTheLastBreak) {
  EXPECT_EQ(split_pieces("a \n \n  b"), (Pieces{"a", " \n \n", " ", " b"}));
  EXPECT_EQ(split_pieces("\t\n"), (Pieces{"\t\n"}));
  EXPECT_EQ(split_pieces("a   "), (Pieces{"a", "   "}));
  EXPECT_EQ(split_pieces("   1"), (Pieces{"  ", " ", "1"}));
}

TEST(Splitter, MarksAreNoLetters) {
  EXPECT_EQ(split_pieces("\u0e17\u0e35\u0e48"),
            (Pieces{"\u0e17", "\u0e35\u0e48"}));
  EXPECT_EQ(split_pieces("\u0e35\u0e17"), (Pieces{"\u0e35\u0e17"}));
}

TEST(Splitter, SpaceIsUnicodeWhiteSpace) {
  EXPECT_EQ(split_pieces("\u3000\u00a0\u0085!"),
            (Pieces{"\u3000\u00a0", "\u0085", "!"}));
  EXPECT_EQ(split_pieces("\x1c\x1d!"), (Pieces{"\x1c\x1d!"}));
}

// Letters of Unicode 15.1 and 16.0, which older libraries call unassigned.
TEST(Splitter, KnowsLettersUpToUnicode16) {
  EXPECT_EQ(split_pieces("a\U0002EBF0b"), (Pieces{"a\U0002EBF0b"}));
  EXPECT_EQ(split_pieces("a\U00010D50b"), (Pieces{"a\U00010D50b"}));
  EXPECT_EQ(split_pieces("a\u0378b"), (Pieces{"a", "\u0378b"})) << "unassigned";
}

TEST(Splitter, NothingOfNothing) { EXPECT_TRUE(split_pieces("").empty()); }

TEST(Splitter, PiecesOfRandomTextJoinToTheText) {
  const std::vector<std::string> parts = {
      "a", "'", "s", " ", "\n", "\r", "7", "!", "\u00a0", "\u0e35", "\u0301"};
  unsigned state = 1;
  for (int round = 0; round < 2000; ++round) {
    std::string text, joined;
    for (int i = 0; i < 12; ++i) {
      state = state * 1664525u + 1013904223u;
      text += parts[(state >> 16) % parts.size()];
    }
    for (const std::string_view piece : split_pieces(text)) {
      ASSERT_FALSE(piece.empty());
      joined += piece;
    }
    ASSERT_EQ(joined, text);
  }
}

}  // namespace
}  // namespace lens::text
