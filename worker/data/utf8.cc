#include "worker/data/utf8.h"

#include <cstdint>

namespace lens::data {
namespace {

constexpr char32_t kReplacement = 0xFFFD;

bool is_high_surrogate(char32_t point) {
  return point >= 0xD800 && point < 0xDC00;
}

bool is_low_surrogate(char32_t point) {
  return point >= 0xDC00 && point < 0xE000;
}

struct Decoded {
  char32_t point = kReplacement;
  std::size_t bytes = 0;  // 0: no character starts here
};

// The character at the start of `text`, which is not empty.
Decoded decode(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return static_cast<std::uint8_t>(text[i]);
  };
  const std::uint8_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  std::size_t length = 0;
  char32_t point = 0;
  char32_t smallest = 0;
  if (lead >= 0xC2 && lead < 0xE0) {
    length = 2, point = lead & 0x1F, smallest = 0x80;
  } else if (lead >= 0xE0 && lead < 0xF0) {
    length = 3, point = lead & 0x0F, smallest = 0x800;
  } else if (lead >= 0xF0 && lead < 0xF5) {
    length = 4, point = lead & 0x07, smallest = 0x10000;
  }
  if (length == 0 || text.size() < length) return {};
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {};
    point = (point << 6) | (byte(i) & 0x3F);
  }
  const bool surrogate = point >= 0xD800 && point < 0xE000;
  if (point < smallest || surrogate || point > 0x10FFFF) return {};
  return {point, length};
}

void append(std::string& out, char32_t point) {
  const auto put = [&out](char32_t value) {
    out.push_back(static_cast<char>(static_cast<std::uint8_t>(value)));
  };
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xC0 | (point >> 6));
    put(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    put(0xE0 | (point >> 12));
    put(0x80 | ((point >> 6) & 0x3F));
    put(0x80 | (point & 0x3F));
  } else {
    put(0xF0 | (point >> 18));
    put(0x80 | ((point >> 12) & 0x3F));
    put(0x80 | ((point >> 6) & 0x3F));
    put(0x80 | (point & 0x3F));
  }
}

}  // namespace

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const Decoded next = decode(text);
    if (next.bytes == 0) return false;
    text.remove_prefix(next.bytes);
  }
  return true;
}

std::u32string code_points(std::string_view text) {
  std::u32string points;
  points.reserve(text.size());
  while (!text.empty()) {
    const Decoded next = decode(text);
    points.push_back(next.point);
    text.remove_prefix(next.bytes == 0 ? 1 : next.bytes);
  }
  return points;
}

std::string to_utf8(std::u32string_view points) {
  std::string out;
  out.reserve(points.size());
  for (std::size_t i = 0; i < points.size(); ++i) {
    char32_t point = points[i];
    if (is_high_surrogate(point) && i + 1 < points.size() &&
        is_low_surrogate(points[i + 1])) {
      point = 0x10000 + ((point - 0xD800) << 10) + (points[++i] - 0xDC00);
    } else if (is_high_surrogate(point) || is_low_surrogate(point) ||
               point > 0x10FFFF) {
      point = kReplacement;
    }
    append(out, point);
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
  return (point >= 0x09 && point <= 0x0D) || (point >= 0x1C && point <= 0x20) ||
         point == 0x85 || point == 0xA0 || point == 0x1680 ||
         (point >= 0x2000 && point <= 0x200A) || point == 0x2028 ||
         point == 0x2029 || point == 0x202F || point == 0x205F ||
         point == 0x3000;
}

}  // namespace lens::data
