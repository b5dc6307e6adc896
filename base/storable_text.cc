#include "base/storable_text.h"

#include <cstdint>

#include "base/utf8.h"

namespace lens {
std::string storable_text(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string result;
  result.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Step step = read_utf8(text, at);
    const std::string_view bytes = text.substr(at, step.length);
    at += step.length;
    if (step.valid && step.code_point != 0) {
      result += bytes;
      continue;
    }
    for (const char c : bytes) {
      const auto byte = static_cast<std::uint8_t>(c);
      result += "\\x";
      result += kDigits[byte >> 4];
      result += kDigits[byte & 15];
    }
  }
  return result;
}

}  // namespace lens
