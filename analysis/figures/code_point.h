#pragma once

#include <cstddef>
#include <string_view>

namespace lens::analysis::figures {

// One step through UTF-8. What is no part of valid UTF-8 (surrogates and
// over-long forms, too) comes as single bytes that are not valid.
struct CodePoint {
  char32_t value = 0;
  std::size_t length = 1;  // bytes
  bool valid = false;
};

// The code point at `position` < text.size().
CodePoint read_code_point(std::string_view text, std::size_t position);

// What stands on the letter before it: general category M, tones of skin.
bool is_combining(char32_t c);

// Estimated advance in em of a sans-serif face.
double em_width(char32_t c);

enum class Direction { kNone, kLeftToRight, kRightToLeft };

// Of a letter; digits, marks, punctuation and symbols have none.
Direction strong_direction(char32_t c);

}  // namespace lens::analysis::figures
