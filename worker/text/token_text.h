#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "worker/text/tokenizer.h"

namespace lens::text {

// Script classes of /script, in file order. They reach disk: only append.
enum class Script : std::uint8_t {
  kLatin, kHan, kKana, kHangul, kCyrillic, kArabic, kThai, kGreek, kDigit,
  kPunctuation, kLatexCommand, kPartialUtf8, kSpecial, kOther,
};
inline constexpr int kScriptCount = 14;

// "Latin", "Han", ... as in docs/format.md.
std::vector<std::string> script_names();

// The class of a token by its bytes; special and missing tokens are kSpecial.
Script script_of(const Tokenizer& tokenizer, std::int32_t id);

// The token for people: valid UTF-8, bytes that are not UTF-8 as \xNN, a
// backslash that would read as such an escape doubled, "<unused_ID>" for ids
// without a token. Every id's text is distinct from every other id's.
std::string display_text(const Tokenizer& tokenizer, std::int32_t id);

}  // namespace lens::text
