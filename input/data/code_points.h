#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace lens::data {

// The code points of `text`; one U+FFFD for each byte that is not UTF-8.
std::u32string code_points(std::string_view text);

// UTF-8 of `points`. Two surrogates that form a pair become the character they
// stand for; any other surrogate, or a value above U+10FFFF, becomes U+FFFD.
std::string to_utf8(std::u32string_view points);

// `text` made fit for a one-line message: valid UTF-8, control characters
// replaced by spaces, cut with "..." after `max_points` code points.
std::string one_line(std::string_view text, std::size_t max_points = 200);

// White space as Python's str.isspace() and str.strip() see it.
bool is_space(char32_t point);

}  // namespace lens::data
