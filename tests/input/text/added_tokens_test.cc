#include "input/text/added_tokens.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace lens::text {
namespace {

AddedToken token(std::string content, std::int32_t id) {
  AddedToken added;
  added.content = std::move(content);
  added.id = id;
  return added;
}

// The segments as text, tokens as "#id=content|".
std::string show(const AddedTokenMatcher& matcher, std::string_view text) {
  std::string line;
  for (const Segment& segment : matcher.split(text)) {
    if (segment.id) line.append("#").append(std::to_string(*segment.id));
    if (segment.id) line.append("=");
    line.append(segment.text).append("|");
  }
  return line;
}

TEST(AddedTokens, LeftmostFirstThenLongest) {
  const AddedTokenMatcher matcher(
      {token("<a>", 1), token("<a><b>", 2), token("><", 3), token("", 4)});
  EXPECT_EQ(show(matcher, "x<a><b>y"), "x|#2=<a><b>|y|");
  EXPECT_EQ(show(matcher, "<a><a"), "#1=<a>|<a|");
  EXPECT_EQ(show(matcher, "<c><"), "<c|#3=><|");
  EXPECT_EQ(show(matcher, "<a"), "<a|");
  EXPECT_EQ(show(matcher, ""), "");
}

TEST(AddedTokens, StripTakesWhiteSpaceAround) {
  AddedToken left = token("<l>", 1), right = token("<r>", 2);
  left.lstrip = right.rstrip = true;
  const AddedTokenMatcher matcher({left, right});
  EXPECT_EQ(show(matcher, "a \u3000<l> b"), "a|#1= \u3000<l>| b|");
  EXPECT_EQ(show(matcher, "a <r>\n\u00a0b"), "a |#2=<r>\n\u00a0|b|");
  EXPECT_EQ(show(matcher, "<r>  <l>"), "#2=<r>  |#1=<l>|");
}

TEST(AddedTokens, SingleWordsStandAlone) {
  AddedToken word = token("cat", 1);
  word.single_word = true;
  const AddedTokenMatcher matcher({word});
  EXPECT_EQ(show(matcher, "cat cat. cats scat _cat \u00e9cat"),
            "#1=cat| |#1=cat|. cats scat _cat \u00e9cat|");
}

TEST(AddedTokens, ADiscardedWordIsNotSearchedAgain) {
  AddedToken word = token("aba", 1);
  word.single_word = true;
  const AddedTokenMatcher matcher({word, token("ba!", 2)});
  EXPECT_EQ(show(matcher, "xaba!"), "xaba!|");
}

}  // namespace
}  // namespace lens::text
