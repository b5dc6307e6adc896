#pragma once

#include <cstdint>

namespace lens::text {

// What the tokenizer asks about a code point. The answers are those of the
// reference tokenizer (Unicode 16.0), not of any system library: see
// make_unicode_tables.py, which also fixes the numbers below.
enum CharacterFlag : std::uint16_t {
  kLetter = 1,   // \p{L}
  kNumber = 2,   // \p{N}
  kSpace = 4,    // \s: White_Space
  kWord = 8,     // \w, where an added token asks for single words
  kSymbol = 16,  // \p{P}, \p{S} or \p{Z}
};

// The script a letter or mark is written in; kNoScript for all else.
enum class CharacterScript : std::uint8_t {
  kNoScript,
  kLatin,
  kHan,
  kKana,
  kHangul,
  kCyrillic,
  kArabic,
  kThai,
  kGreek,
};

class Character {
 public:
  explicit Character(char32_t code_point);

  bool is(CharacterFlag flag) const { return (value_ & flag) != 0; }
  bool is_any(std::uint16_t flags) const { return (value_ & flags) != 0; }
  CharacterScript script() const {
    return static_cast<CharacterScript>(value_ >> 8);
  }

 private:
  std::uint16_t value_;
};

}  // namespace lens::text
