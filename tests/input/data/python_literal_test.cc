#include "input/data/python_literal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace lens::data {
namespace {

using ::testing::HasSubstr;

std::vector<std::string> texts(std::string_view literal) {
  std::vector<std::string> all;
  for (const Row::Question& pair : parse_qa_pairs(literal)) {
    all.push_back(pair.question);
    all.push_back(pair.answers.at(0));
  }
  return all;
}

std::string answer(const std::string& literal) {
  return parse_qa_pairs("[{'question': '', 'answer': " + literal + "}]")
      .at(0)
      .answers.at(0);
}

std::string error(std::string_view literal) {
  try {
    parse_qa_pairs(literal);
  } catch (const InputError& failure) {
    return failure.what();
  }
  return "";
}

TEST(PythonLiteral, ReadsPairsInOrder) {
  EXPECT_THAT(texts("[{'question': 'a', 'answer': \"it's\"}, "
                    "{'answer': None, 'question': 'c'},]"),
              ::testing::ElementsAre("a", "it's", "c", ""));
  EXPECT_TRUE(texts(" [ ] \n").empty());
}

TEST(PythonLiteral, ReadsEveryEscape) {
  EXPECT_EQ(
      answer(R"('\\ \' \" \n \r \t \x41 \u0416 \U0001F600 \101 \a\b\f\v')"),
      "\\ ' \" \n \r \t A \u0416 \U0001F600 A \a\b\f\v");
}

TEST(PythonLiteral, UnknownEscapeStandsForItself) {
  EXPECT_EQ(answer(R"('\frac \d')"), "\frac \\d");
}

TEST(PythonLiteral, JoinsAdjacentStrings) {
  EXPECT_EQ(answer("'a' \"b\"\n'c' u'd'"), "abcd");
}

TEST(PythonLiteral, ReadsTripleQuotes) {
  EXPECT_EQ(answer("'''it's\r\n\"x\"'''"), "it's\n\"x\"");
  EXPECT_EQ(answer("\"\"\"a\" \"b\"\"\""), "a\" \"b");
}

TEST(PythonLiteral, SurrogatesPairUpOrAreReplaced) {
  EXPECT_EQ(answer(R"('\ud83d\ude00 \ud83d \ude00')"),
            "\U0001F600 \uFFFD \uFFFD");
}

TEST(PythonLiteral, PlainNumbersKeepTheirText) {
  EXPECT_EQ(answer("42"), "42");
  EXPECT_EQ(answer("-3.5"), "-3.5");
  EXPECT_NE(error("[{'question': '', 'answer': 1e5}]"), "");
  EXPECT_NE(error("[{'question': '', 'answer': 007}]"), "");
}

TEST(PythonLiteral, OtherKeysAreSkipped) {
  EXPECT_EQ(texts("[{'x': [1, (None, {'y': True})], 'question': 'a', "
                  "'answer': 'b'}]")
                .size(),
            2U);
}

TEST(PythonLiteral, SaysWhereAndWhatWasExpected) {
  EXPECT_EQ(error("[{'question': 'a' 'answer': 'b'}]"),
            "not a list of Python dicts (character 26: expected ',' or '}', "
            "found ':')");
  // Characters are counted, not bytes.
  EXPECT_THAT(error("[{'\u0639\u0639': 'a', }"), HasSubstr("character 1:"));
  EXPECT_THAT(error("[{'question': 'a'}]"),
              HasSubstr("a dict with 'question' and 'answer'"));
  EXPECT_THAT(error("{'question': 'a'}"), HasSubstr("a list '['"));
  EXPECT_THAT(error("[]]"), HasSubstr("the end of the text"));
  EXPECT_THAT(error(""), HasSubstr("found the end"));
  EXPECT_THAT(error("['\xff']"), HasSubstr("not UTF-8"));
  EXPECT_THAT(error(std::string_view("[\0]", 3)), HasSubstr("NUL"));
}

TEST(PythonLiteral, JsonWithEscapesOfItsOwnIsRefusedWhereItDiffers) {
  EXPECT_NE(error("[{\"question\": null, \"answer\": \"a\"}]"), "");
}

TEST(PythonLiteral, DeepNestingIsRefusedNotFollowed) {
  EXPECT_THAT(error("[{'x': " + std::string(1000000, '[')),
              HasSubstr("32 levels"));
}

TEST(PythonLiteral, EveryPrefixIsRefused) {
  const std::string whole =
      R"([{'question': 'a\n\u0416', 'answer': "it's"}, {'answer': None}])";
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_NE(error(whole.substr(0, length)), "") << length;
  }
}

}  // namespace
}  // namespace lens::data
