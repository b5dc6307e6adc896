#include "input/text/token_text.h"

#include <gtest/gtest.h>

#include <string>
#include <unordered_map>
#include <vector>

#include "base/utf8.h"
#include "tests/input/text/scratch_checkpoint.h"

namespace lens::text {
namespace {

// The id of the token that stands for these bytes in the real vocabulary.
std::int32_t token_of(std::string_view bytes) {
  const Tokenizer& tokenizer = qwen2_tokenizer();
  static const auto ids = [&] {
    std::unordered_map<std::string, std::int32_t> map;
    for (std::int32_t id = 0; id < tokenizer.size(); ++id) {
      map.emplace(tokenizer.token_bytes(id), id);
    }
    return map;
  }();
  const auto found = ids.find(std::string(bytes));
  EXPECT_NE(found, ids.end()) << "no token for " << bytes;
  return found == ids.end() ? -1 : found->second;
}

Script script_of_token(std::string_view bytes) {
  return script_of(qwen2_tokenizer(), token_of(bytes));
}

std::string display_of_token(std::string_view bytes) {
  return display_text(qwen2_tokenizer(), token_of(bytes));
}

TEST(ScriptOf, GoesByTheLetters) {
  EXPECT_EQ(script_of_token("Hello"), Script::kLatin);
  EXPECT_EQ(script_of_token(" f\u00fcr"), Script::kLatin);
  EXPECT_EQ(script_of_token("\u4e2d\u56fd"), Script::kHan);
  EXPECT_EQ(script_of_token("\u3067\u3059"), Script::kKana);
  EXPECT_EQ(script_of_token("\u30fc"), Script::kKana);
  EXPECT_EQ(script_of_token("\ud55c"), Script::kHangul);
  EXPECT_EQ(script_of_token(" \u043d\u0430"), Script::kCyrillic);
  EXPECT_EQ(script_of_token("\u0627\u0644"), Script::kArabic);
  EXPECT_EQ(script_of_token("\u03b1"), Script::kGreek);
  EXPECT_EQ(script_of_token("\u05d0"), Script::kOther) << "Hebrew";
}

TEST(ScriptOf, MarksBelongToTheirScript) {
  EXPECT_EQ(script_of_token("\u0e01"), Script::kThai);
  EXPECT_EQ(script_of_token("\u0e31"), Script::kThai);
  EXPECT_EQ(script_of_token("\u0650"), Script::kArabic);
}

TEST(ScriptOf, SeparatesWhatHasNoLetters) {
  EXPECT_EQ(script_of_token("7"), Script::kDigit);
  EXPECT_EQ(script_of_token("\u00bd"), Script::kDigit);
  EXPECT_EQ(script_of_token("."), Script::kPunctuation);
  EXPECT_EQ(script_of_token(" ="), Script::kPunctuation);
  EXPECT_EQ(script_of_token(" "), Script::kPunctuation);
  EXPECT_EQ(script_of_token("\n\n"), Script::kPunctuation);
  EXPECT_EQ(script_of_token("\u3002"), Script::kPunctuation);
  EXPECT_EQ(script_of_token(std::string_view("\0", 1)), Script::kOther);
}

TEST(ScriptOf, KnowsLatexCommands) {
  EXPECT_EQ(script_of_token("\\n"), Script::kLatexCommand);
  EXPECT_EQ(script_of_token("\\Type"), Script::kLatexCommand);
  EXPECT_EQ(script_of_token("\\"), Script::kLatexCommand);
  EXPECT_EQ(script_of_token(" \\"), Script::kLatexCommand);
  EXPECT_EQ(script_of_token("\\\\"), Script::kPunctuation);
}

TEST(ScriptOf, KnowsBytesAndSpecialTokens) {
  EXPECT_EQ(script_of_token("\xE4\xB8"), Script::kPartialUtf8);
  EXPECT_EQ(script_of_token("\x80"), Script::kPartialUtf8);
  EXPECT_EQ(script_of_token("<|im_end|>"), Script::kSpecial);
  EXPECT_EQ(script_of(qwen2_tokenizer(), 151700), Script::kSpecial);
  EXPECT_EQ(script_of(qwen2_tokenizer(), -1), Script::kSpecial);
}

TEST(ScriptOf, MostLettersDecideThenTheFirst) {
  const ScratchCheckpoint checkpoint;
  checkpoint.write(
      "tokenizer.json",
      tokenizer_json(R"({"a":0,"\u0434\u0434x":1,"x\u0434":2})", "[]"));
  const Tokenizer tokenizer = checkpoint.load();
  EXPECT_EQ(script_of(tokenizer, 1), Script::kCyrillic);
  EXPECT_EQ(script_of(tokenizer, 2), Script::kLatin);
}

TEST(ScriptNames, NameEveryClass) {
  const std::vector<std::string> names = script_names();
  ASSERT_EQ(names.size(), static_cast<std::size_t>(kScriptCount));
  EXPECT_EQ(names[static_cast<int>(Script::kThai)], "Thai");
  EXPECT_EQ(names[static_cast<int>(Script::kLatexCommand)], "LaTeX command");
  EXPECT_EQ(names[static_cast<int>(Script::kOther)], "other");
}

TEST(DisplayText, ShowsBytesThatAreNotText) {
  EXPECT_EQ(display_of_token("Hello"), "Hello");
  EXPECT_EQ(display_of_token(" \u043d\u0430"), " \u043d\u0430");
  EXPECT_EQ(display_of_token("\xE4\xB8"), "\\xE4\\xB8");
  EXPECT_EQ(display_of_token(std::string_view("\0", 1)), "\\x00");
  EXPECT_EQ(display_of_token("\\Type"), "\\Type");
  EXPECT_EQ(display_of_token("<|im_end|>"), "<|im_end|>");
  EXPECT_EQ(display_text(qwen2_tokenizer(), 151700), "<unused_151700>");
  EXPECT_EQ(display_text(qwen2_tokenizer(), -1), "<unused_-1>");
}

// All ids that a 7B checkpoint has rows for.
TEST(DisplayText, IsValidAndDistinctForEveryIdOfTheRealVocabulary) {
  std::unordered_map<std::string, std::int32_t> seen;
  for (std::int32_t id = -2; id < 152064; ++id) {
    const std::string text = display_text(qwen2_tokenizer(), id);
    ASSERT_TRUE(is_utf8(text)) << id;
    ASSERT_EQ(text.find('\0'), std::string::npos) << id;
    const auto [other, is_new] = seen.emplace(text, id);
    ASSERT_TRUE(is_new) << text << " is " << other->second << " and " << id;
  }
}

TEST(DisplayText, IsDistinctForSpellingsMadeToCollide) {
  const ScratchCheckpoint checkpoint;
  // "\u0120" is the letter of the space, "\u00e4" that of byte E4.
  checkpoint.write(
      "tokenizer.json",
      tokenizer_json(
          vocabulary_json({R"(\\xE4)", R"(\\\\xE4)", R"(\\\u00e4)",
                           R"(\\\\\u00e4)", R"(\\x00)", R"(<unused_900>)",
                           R"(\\x3Cunused_900>)", R"(<repeated_272>\u0120)",
                           R"(\u0120a)", R"( a)", R"(\u00e9\u00e9\u4e00)",
                           R"(\\x3C)",
                           R"(\\)"
                           R"(\u00e4xE4)",
                           R"(x\\)"}),
          "[]", R"([{"id":400,"content":"\u0120\u0120 "}])"));
  const Tokenizer tokenizer = checkpoint.load();
  std::unordered_map<std::string, std::int32_t> seen;
  for (std::int32_t id = -1; id < 1000; ++id) {
    const std::string text = display_text(tokenizer, id);
    const auto [other, is_new] = seen.emplace(text, id);
    EXPECT_TRUE(is_new) << text << " is " << other->second << " and " << id;
  }
  EXPECT_EQ(display_text(tokenizer, 256), "\\\\xE4");
  EXPECT_EQ(display_text(tokenizer, 258), "\\\\\\xE4");
  EXPECT_EQ(display_text(tokenizer, 261), "\\x3Cunused_900>");
  EXPECT_TRUE(tokenizer.repeats_bytes(265));
  EXPECT_EQ(display_text(tokenizer, 265), "<repeated_265> a");
}

}  // namespace
}  // namespace lens::text
