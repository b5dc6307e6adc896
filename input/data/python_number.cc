#include "input/data/python_number.h"

#include <unicode/uchar.h>

#include <cstdlib>
#include <limits>
#include <string>

#include "input/data/code_points.h"
#include "input/data/lower_case.h"

namespace lens::data {
namespace {

bool is_digit(char byte) { return byte >= '0' && byte <= '9'; }

// The text without outer space, with every script's digits as 0 to 9.
std::string plain(std::string_view text) {
  std::u32string points = code_points(text);
  while (!points.empty() && is_space(points.back())) points.pop_back();
  while (!points.empty() && is_space(points.front())) points.erase(0, 1);
  for (char32_t& point : points) {
    const auto value = u_charDigitValue(static_cast<UChar32>(point));
    if (value >= 0) point = U'0' + static_cast<char32_t>(value);
  }
  return to_utf8(points);
}

// Takes digits with single underscores between them off the front of `text`
// and appends them; false where there are none.
bool take_digits(std::string_view& text, std::string& number) {
  if (text.empty() || !is_digit(text.front())) return false;
  while (!text.empty()) {
    if (text.front() == '_' && text.size() > 1 && is_digit(text[1])) {
      text.remove_prefix(1);
    }
    if (!is_digit(text.front())) break;
    number.push_back(text.front());
    text.remove_prefix(1);
  }
  return true;
}

std::optional<double> number_of(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  const double sign = negative ? -1 : 1;
  const std::string word = lower_case(text);
  if (word == "inf" || word == "infinity") {
    return sign * std::numeric_limits<double>::infinity();
  }
  if (word == "nan") return std::numeric_limits<double>::quiet_NaN();

  std::string number;
  bool any = take_digits(text, number);
  if (text.starts_with('.')) {
    number.push_back('.');
    text.remove_prefix(1);
    any |= take_digits(text, number);
  }
  if (!any) return std::nullopt;
  if (text.starts_with('e') || text.starts_with('E')) {
    number.push_back('e');
    text.remove_prefix(1);
    const bool shrinks = text.starts_with('-');
    if (shrinks) number.push_back('-');
    if (shrinks || text.starts_with('+')) text.remove_prefix(1);
    if (!take_digits(text, number)) return std::nullopt;
  }
  if (!text.empty()) return std::nullopt;
  // Too large is infinite and too small is 0, as in Python.
  return sign * std::strtod(number.c_str(), nullptr);
}

}  // namespace

std::optional<double> python_number(std::string_view text) {
  if (!text.ends_with('%')) return number_of(plain(text));
  while (text.ends_with('%')) text.remove_suffix(1);
  const std::optional<double> percent = number_of(plain(text));
  if (!percent) return std::nullopt;
  return *percent / 100;
}

}  // namespace lens::data
