#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "input/text/tokenizer.h"

namespace lens::text {

// Script classes of /script, in file order. They reach disk: only append.
enum class Script : std::uint8_t {
  kLatin,
  kHan,
  kKana,
  kHangul,
  kCyrillic,
  kArabic,
  kThai,
  kGreek,
  kDigit,
  kPunctuation,
  kLatexCommand,
  kPartialUtf8,
  kSpecial,
  kOther,
};
inline constexpr int kScriptCount = 14;

// "Latin", "Han", ... as in docs/format.md.
std::vector<std::string> script_names();

// The class of a token by its bytes; special and missing tokens are kSpecial.
// Leading spaces do not count. In this order: bytes that are not UTF-8; a
// backslash, alone or before a Latin letter, for LaTeX commands; the script of
// most letters, marks that belong to a script among them (the first of equals;
// other scripts are kOther); numbers; punctuation, symbols and white space; all
// else is kOther.
Script script_of(const Tokenizer& tokenizer, std::int32_t id);

// The token for people: valid UTF-8, bytes that are not UTF-8 (and NUL, which
// ends strings in many readers) as \xNN, backslashes that would read as part of
// such an escape doubled, "<unused_ID>" for ids without a token. Every id's
// text is distinct from every other id's: a token that repeats the bytes of a
// lower id has "<repeated_ID>" before it, and a token that is itself spelled
// like one of these marks has its "<" as \x3C.
std::string display_text(const Tokenizer& tokenizer, std::int32_t id);

}  // namespace lens::text
