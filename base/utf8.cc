#include "base/utf8.h"

#include <unicode/utf8.h>

#include <cstdint>

namespace lens {

Utf8Step read_utf8(std::string_view bytes, std::size_t position) {
  const char* const at = bytes.data() + position;
  const std::size_t left = bytes.size() - position;
  std::size_t length = 0;
  UChar32 code_point = 0;
  // ICU's step over what is no UTF-8 is one maximal invalid part, as Unicode
  // recommends and Python and Rust do.
  U8_NEXT(at, length, left, code_point);
  if (code_point < 0) return {kReplacementCharacter, length, false};
  return {static_cast<char32_t>(code_point), length, true};
}

bool is_utf8(std::string_view bytes) {
  for (std::size_t at = 0; at < bytes.size();) {
    const Utf8Step step = read_utf8(bytes, at);
    if (!step.valid) return false;
    at += step.length;
  }
  return true;
}

void append_utf8(char32_t code_point, std::string& out) {
  std::uint8_t bytes[U8_MAX_LENGTH];
  std::size_t length = 0;
  U8_APPEND_UNSAFE(bytes, length, code_point);
  out.append(reinterpret_cast<const char*>(bytes), length);
}

std::string lossy_utf8(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  for (std::size_t at = 0; at < bytes.size();) {
    const Utf8Step step = read_utf8(bytes, at);
    if (step.valid) {
      text.append(bytes.substr(at, step.length));
    } else {
      append_utf8(kReplacementCharacter, text);
    }
    at += step.length;
  }
  return text;
}

std::string_view first_bytes(std::string_view text, std::size_t most) {
  if (text.size() <= most) return text;
  // Back to where the character that would be cut begins.
  while (most > 0 && U8_IS_TRAIL(text[most])) --most;
  return text.substr(0, most);
}

}  // namespace lens
