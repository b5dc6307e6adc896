#include "input/data/code_points.h"

#include "base/utf8.h"

namespace lens::data {
namespace {

bool is_high_surrogate(char32_t point) {
  return point >= 0xD800 && point < 0xDC00;
}

bool is_low_surrogate(char32_t point) {
  return point >= 0xDC00 && point < 0xE000;
}

}  // namespace

std::u32string code_points(std::string_view text) {
  std::u32string points;
  points.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Step step = read_utf8(text, at);
    points.append(step.valid ? 1 : step.length, step.code_point);
    at += step.length;
  }
  return points;
}

std::string to_utf8(std::u32string_view points) {
  std::string out;
  out.reserve(points.size());
  for (std::size_t i = 0; i < points.size(); ++i) {
    // Two escapes of a Python literal may be the halves of one character.
    char32_t point = points[i];
    if (is_high_surrogate(point) && i + 1 < points.size() &&
        is_low_surrogate(points[i + 1])) {
      point = 0x10000 + ((point - 0xD800) << 10) + (points[++i] - 0xDC00);
    } else if (is_high_surrogate(point) || is_low_surrogate(point) ||
               point > 0x10FFFF) {
      point = kReplacementCharacter;
    }
    append_utf8(point, out);
  }
  return out;
}

std::string one_line(std::string_view text, std::size_t max_points) {
  // No character is longer than four bytes, so what lies further is cut anyway.
  std::u32string points = code_points(text.substr(0, 4 * (max_points + 1)));
  const bool cut = points.size() > max_points;
  if (cut) points.resize(max_points);
  for (char32_t& point : points) {
    const bool control = point < 0x20 || (point >= 0x7F && point < 0xA0) ||
                         point == 0x2028 || point == 0x2029;
    if (control) point = U' ';
  }
  return to_utf8(points) + (cut ? "..." : "");
}

bool is_space(char32_t point) {
  // Python's str.isspace(), which counts the separators 0x1C to 0x1F in.
  return (point >= 0x09 && point <= 0x0D) || (point >= 0x1C && point <= 0x20) ||
         point == 0x85 || point == 0xA0 || point == 0x1680 ||
         (point >= 0x2000 && point <= 0x200A) || point == 0x2028 ||
         point == 0x2029 || point == 0x202F || point == 0x205F ||
         point == 0x3000;
}

}  // namespace lens::data
