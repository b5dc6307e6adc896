#include "input/text/byte_letters.h"

#include <array>
#include <cstddef>

#include "base/utf8.h"

namespace lens::text {
namespace {

constexpr std::size_t kFirstShifted = 0x100;
// 256 less the 188 that are printable.
constexpr std::size_t kShifted = 68;

constexpr bool is_printable(unsigned byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) ||
         byte >= 0xAE;
}

struct Alphabet {
  std::array<char32_t, 256> letter{};
  // Byte of a code point below the end of the shifted ones, or -1.
  std::array<int, kFirstShifted + kShifted> byte{};

  // GPT-2's bytes_to_unicode(): printable bytes are their own letters, the
  // others follow from U+0100 on.
  constexpr Alphabet() {
    byte.fill(-1);
    char32_t next = kFirstShifted;
    for (unsigned value = 0; value < 256; ++value) {
      letter[value] = is_printable(value) ? value : next++;
      byte[letter[value]] = static_cast<int>(value);
    }
  }
};

constexpr Alphabet kAlphabet;

}  // namespace

std::string letter_of(std::uint8_t byte) {
  std::string letter;
  append_utf8(kAlphabet.letter[byte], letter);
  return letter;
}

std::optional<std::string> bytes_of_letters(std::string_view spelling) {
  std::string bytes;
  bytes.reserve(spelling.size());
  for (std::size_t at = 0; at < spelling.size();) {
    const Utf8Step step = read_utf8(spelling, at);
    const std::size_t code_point = step.code_point;
    if (code_point >= kAlphabet.byte.size() || kAlphabet.byte[code_point] < 0) {
      return std::nullopt;
    }
    bytes.push_back(static_cast<char>(kAlphabet.byte[code_point]));
    at += step.length;
  }
  return bytes;
}

std::string letters_of(std::string_view bytes) {
  std::string spelling;
  for (const char byte : bytes) {
    append_utf8(kAlphabet.letter[static_cast<std::uint8_t>(byte)], spelling);
  }
  return spelling;
}

}  // namespace lens::text
