#include "input/text/token_text.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>

#include "base/utf8.h"
#include "input/text/characters.h"

namespace lens::text {
namespace {

bool is_ascii_letter(char byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

Script class_of(CharacterScript script) {
  switch (script) {
    case CharacterScript::kLatin:
      return Script::kLatin;
    case CharacterScript::kHan:
      return Script::kHan;
    case CharacterScript::kKana:
      return Script::kKana;
    case CharacterScript::kHangul:
      return Script::kHangul;
    case CharacterScript::kCyrillic:
      return Script::kCyrillic;
    case CharacterScript::kArabic:
      return Script::kArabic;
    case CharacterScript::kThai:
      return Script::kThai;
    case CharacterScript::kGreek:
      return Script::kGreek;
    case CharacterScript::kNoScript:
      break;
  }
  return Script::kOther;
}

// What a text consists of: letters by script, in order of first appearance,
// and whether there are numbers and symbols.
class Census {
 public:
  explicit Census(std::string_view utf8) {
    for (std::size_t at = 0; at < utf8.size();) {
      const Utf8Step step = read_utf8(utf8, at);
      add(Character(step.code_point));
      at += step.length;
    }
  }

  Script verdict() const {
    if (!order_.empty()) {
      // Of equal counts max_element() takes the first: the script that came
      // first.
      return *std::max_element(order_.begin(), order_.end(),
                               [&](Script left, Script right) {
                                 return count(left) < count(right);
                               });
    }
    if (has_number_) return Script::kDigit;
    return has_symbol_ ? Script::kPunctuation : Script::kOther;
  }

 private:
  void add(Character character) {
    const CharacterScript script = character.script();
    has_number_ = has_number_ || character.is(kNumber);
    // White space alone is no other class: it counts as punctuation.
    has_symbol_ = has_symbol_ || character.is_any(kSymbol | kSpace);
    // Marks of no script, such as accents, follow their letter.
    if (!character.is(kLetter) && script == CharacterScript::kNoScript) return;
    const Script found = class_of(script);
    if (counts_[static_cast<std::size_t>(found)]++ == 0)
      order_.push_back(found);
  }

  std::size_t count(Script script) const {
    return counts_[static_cast<std::size_t>(script)];
  }

  std::array<std::size_t, kScriptCount> counts_{};
  std::vector<Script> order_;
  bool has_number_ = false;
  bool has_symbol_ = false;
};

// "\\frac", or the backslash alone: Qwen2's vocabulary has few whole commands,
// most are a backslash and then their name as a word.
bool begins_latex_command(std::string_view bytes) {
  while (bytes.starts_with(' ')) bytes.remove_prefix(1);
  return bytes.starts_with('\\') &&
         (bytes.size() == 1 || is_ascii_letter(bytes[1]));
}

bool is_hex_digit(char byte) {
  return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f') ||
         (byte >= 'A' && byte <= 'F');
}

void append_escape(char byte, std::string& out) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  const auto value = static_cast<std::uint8_t>(byte);
  out.append("\\x").push_back(kDigits[value >> 4]);
  out.push_back(kDigits[value & 0xF]);
}

// One code point or invalid subpart of a token.
struct Unit {
  std::string_view bytes;
  bool escaped;  // written as \xNN
};

Unit unit_at(std::string_view bytes, std::size_t at) {
  const Utf8Step step = read_utf8(bytes, at);
  return {bytes.substr(at, step.length), !step.valid || step.code_point == 0};
}

// True if what is written for `bytes` from `at` on begins as an escape does
// after its backslash. Then backslashes before it are doubled, so that an even
// number of them means backslashes and an odd one an escape.
bool reads_as_escape(std::string_view bytes, std::size_t at) {
  return bytes.size() - at >= 3 && bytes[at] == 'x' &&
         is_hex_digit(bytes[at + 1]) && is_hex_digit(bytes[at + 2]);
}

std::string escaped(std::string_view bytes) {
  std::string text;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t backslashes =
        std::min(bytes.find_first_not_of('\\', at), bytes.size()) - at;
    if (backslashes > 0) {
      at += backslashes;
      const bool doubled = reads_as_escape(bytes, at) ||
                           (at < bytes.size() && unit_at(bytes, at).escaped);
      text.append(doubled ? 2 * backslashes : backslashes, '\\');
      continue;
    }
    const Unit unit = unit_at(bytes, at);
    if (unit.escaped) {
      for (const char byte : unit.bytes) append_escape(byte, text);
    } else {
      text.append(unit.bytes);
    }
    at += unit.bytes.size();
  }
  return text;
}

bool is_spelled_like_a_mark(std::string_view bytes) {
  return bytes.starts_with("<unused_") || bytes.starts_with("<repeated_");
}

}  // namespace

std::vector<std::string> script_names() {
  return {"Latin",         "Han",           "Kana",    "Hangul", "Cyrillic",
          "Arabic",        "Thai",          "Greek",   "digit",  "punctuation",
          "LaTeX command", "partial UTF-8", "special", "other"};
}

Script script_of(const Tokenizer& tokenizer, std::int32_t id) {
  if (!tokenizer.has_token(id) || tokenizer.is_special(id)) {
    return Script::kSpecial;
  }
  const std::string bytes = tokenizer.token_bytes(id);
  if (!is_utf8(bytes)) return Script::kPartialUtf8;
  if (begins_latex_command(bytes)) return Script::kLatexCommand;
  return Census(bytes).verdict();
}

std::string display_text(const Tokenizer& tokenizer, std::int32_t id) {
  const std::string number = std::to_string(id);
  if (!tokenizer.has_token(id)) return "<unused_" + number + ">";
  const std::string bytes = tokenizer.token_bytes(id);
  std::string text;
  if (tokenizer.repeats_bytes(id)) text = "<repeated_" + number + ">";
  if (!is_spelled_like_a_mark(bytes)) return text + escaped(bytes);
  // A token whose own bytes look like a mark: its first byte is escaped, so
  // that no two tokens are shown alike.
  append_escape(bytes.front(), text);
  return text + escaped(std::string_view(bytes).substr(1));
}

}  // namespace lens::text
