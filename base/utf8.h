#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace lens {

inline constexpr char32_t kReplacementCharacter = 0xFFFD;

// One step through a byte string.
struct Utf8Step {
  char32_t code_point;  // U+FFFD where the bytes are not UTF-8
  std::size_t length;   // bytes taken, at least 1
  bool valid;
};

// Reads the code point at `position` < bytes.size(). Overlong forms, surrogates
// and values above U+10FFFF are none (Unicode 15, table 3-7). Where there is
// none, takes the maximal invalid subpart: the longest start of a code point
// that the bytes hold, else one byte.
Utf8Step read_utf8(std::string_view bytes, std::size_t position);

bool is_utf8(std::string_view bytes);

// `code_point` is one: no surrogate, at most U+10FFFF.
void append_utf8(char32_t code_point, std::string& out);

// One U+FFFD for each maximal invalid subpart, as Rust's from_utf8_lossy does.
std::string lossy_utf8(std::string_view bytes);

// The first `most` bytes, fewer where a code point would be cut in two.
std::string_view first_bytes(std::string_view text, std::size_t most);

}  // namespace lens
