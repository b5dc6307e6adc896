#include "analysis/figures/display_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lens::analysis::figures {
namespace {

std::string token(std::string_view text) {
  return visible_text(text, TextKind::kToken);
}
std::string prose(std::string_view text) {
  return visible_text(text, TextKind::kProse);
}

TEST(DisplayText, WhiteSpaceOfTokensIsSeen) {
  EXPECT_EQ(token(" x"), "␣x");
  EXPECT_EQ(token("\u3000\u00a0"), "␣␣");
  EXPECT_EQ(token("a\n\r\tb"), "a↵␍⇥b");
  EXPECT_EQ(prose("a b\nc"), "a b↵c");
}

TEST(DisplayText, WhatXmlCannotHoldIsEscaped) {
  EXPECT_EQ(token(std::string_view("\0\x01\x1f\x7f", 4)),
            "\\x00\\x01\\x1f\\x7f");
  EXPECT_EQ(token("\u0085"), "\\xc2\\x85");
  EXPECT_EQ(token("\uffff\ufffe"), "\\xef\\xbf\\xbf\\xef\\xbf\\xbe");
}

TEST(DisplayText, BytesThatAreNotUtf8AreEscaped) {
  EXPECT_EQ(token("\xff"), "\\xff");
  EXPECT_EQ(token("\xe5\x8c"), "\\xe5\\x8c");
  EXPECT_EQ(token("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // a lone surrogate
  EXPECT_EQ(token("\xc0\x80"), "\\xc0\\x80");           // over-long
  EXPECT_EQ(token("\xf5\x80\x80\x80"), "\\xf5\\x80\\x80\\x80");
  EXPECT_EQ(token("ok \xf0\x9f\x98"), "ok␣\\xf0\\x9f\\x98");
}

TEST(DisplayText, WhatTurnsTheDirectionIsSeenAndHarmless) {
  EXPECT_EQ(token("\u202eabc"), "\\u202eabc");
  EXPECT_EQ(token("\u2067\u2069\u200f\ufeff"), "\\u2067\\u2069\\u200f\\ufeff");
}

TEST(DisplayText, JoinersStayBetweenLetters) {
  EXPECT_EQ(token("👩‍👧"), "👩‍👧");
  EXPECT_EQ(token("\u200d"), "\\u200d");
}

TEST(DisplayText, AMarkAloneStandsOnACircle) {
  EXPECT_EQ(token("ั"), "◌ั");
  EXPECT_EQ(token("\u0301x"), "◌\u0301x");
  EXPECT_EQ(token("ที่"), "ที่");
}

TEST(DisplayText, EveryLanguageIsKept) {
  for (const char* text : {"مرحبا", "Straße", "été", "città", "カメラ", "서울",
                           "улица", "ถนน", "đường", "北京", "αβγ", "$x$"}) {
    EXPECT_EQ(token(text), text);
  }
}

TEST(DisplayText, WidthFollowsTheScript) {
  EXPECT_DOUBLE_EQ(text_width("北京"), 2);
  EXPECT_DOUBLE_EQ(text_width("서울"), 2);
  EXPECT_LT(text_width("il"), text_width("mw"));
  EXPECT_DOUBLE_EQ(text_width("ที่"), text_width("ท"));
  EXPECT_DOUBLE_EQ(text_width("e\u0301"), text_width("e"));
  EXPECT_DOUBLE_EQ(text_width(""), 0);
}

TEST(DisplayText, ShorteningKeepsMarksOnTheirLetters) {
  EXPECT_EQ(shorten("abc", 9), "abc");
  const std::string cut = shorten("ที่ที่ที่ที่ที่", 2.3);
  EXPECT_EQ(cut, "ที่ที่…");
  EXPECT_EQ(
      shorten("👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧", 2),
      "👩‍👩‍👧…");
  EXPECT_LE(text_width(shorten(std::string(500, 'm'), 6)), 6);
  EXPECT_EQ(shorten("abc", 0), "…");
}

TEST(DisplayText, LinesBreakAtBlanks) {
  EXPECT_THAT(wrap("aaaa bbbb cccc", 6.2, 5),
              testing::ElementsAre("aaaa bbbb", "cccc"));
  EXPECT_THAT(wrap("北京大学", 2, 5), testing::ElementsAre("北京", "大学"));
  EXPECT_THAT(wrap("北京大学", 2, 1), testing::ElementsAre("北…"));
  EXPECT_THAT(wrap("", 2, 3), testing::IsEmpty());
}

TEST(DisplayText, TheFirstLetterGivesTheDirection) {
  EXPECT_TRUE(right_to_left("مرحبا"));
  EXPECT_TRUE(right_to_left("␣123 שלום abc"));
  EXPECT_FALSE(right_to_left("abc مرحبا"));
  EXPECT_FALSE(right_to_left("12 %"));
  EXPECT_FALSE(right_to_left("ถนน"));
  EXPECT_FALSE(right_to_left(""));
}

TEST(DisplayText, XmlIsEscaped) {
  EXPECT_EQ(xml_text("<a b=\"c\" d='e'>&"),
            "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;");
}

}  // namespace
}  // namespace lens::analysis::figures
