#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace lens::text {

// One step through a byte string.
struct Utf8Step {
  char32_t code_point;  // U+FFFD where the bytes are not UTF-8
  std::size_t length;   // bytes taken, at least 1
  bool valid;
};

// Reads the code point at `position` < bytes.size(). Where there is none, takes
// the maximal invalid subpart: the longest start of a code point that the bytes
// hold, else one byte.
Utf8Step read_utf8(std::string_view bytes, std::size_t position);

bool is_utf8(std::string_view bytes);

void append_utf8(char32_t code_point, std::string& out);

}  // namespace lens::text
