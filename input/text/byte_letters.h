#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lens::text {

// Byte-level vocabularies spell every byte as one printable letter: those of
// ASCII and Latin-1 that are printable stand for themselves, the other 68 bytes
// are U+0100, U+0101, ... in order. "Ġ" is the space, "Ċ" the line feed.

// The letter of a byte, as UTF-8.
std::string letter_of(std::uint8_t byte);

// The bytes that a token's spelling stands for; none if it holds a character
// that is no byte's letter.
std::optional<std::string> bytes_of_letters(std::string_view spelling);

// The spelling of bytes: the inverse of bytes_of_letters.
std::string letters_of(std::string_view bytes);

}  // namespace lens::text
