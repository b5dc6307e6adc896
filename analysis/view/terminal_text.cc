#include "analysis/view/terminal_text.h"

#include <fmt/format.h>
#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "base/utf8.h"

namespace lens::analysis::view {
namespace {

constexpr std::string_view kEllipsis = "\u2026";
constexpr std::string_view kIsolate = "\u2068";
constexpr std::string_view kEndIsolate = "\u2069";

struct Character {
  utf8proc_int32_t point = -1;  // -1: a byte that is not UTF-8
  std::string_view bytes;
};

Character next_character(std::string_view text) {
  Character found;
  const Utf8Step step = read_utf8(text, 0);
  if (step.valid) found.point = static_cast<utf8proc_int32_t>(step.code_point);
  found.bytes = text.substr(0, step.valid ? step.length : 1);
  return found;
}

template <class Visit>
void for_each_character(std::string_view text, Visit&& visit) {
  while (!text.empty()) {
    const Character character = next_character(text);
    visit(character);
    text.remove_prefix(character.bytes.size());
  }
}

// Embeddings, overrides, isolates and marks of direction would reorder what
// stands beside them.
bool changes_direction(utf8proc_int32_t point) {
  return point == 0x61C || point == 0x200E || point == 0x200F ||
         (point >= 0x202A && point <= 0x202E) ||
         (point >= 0x2066 && point <= 0x2069);
}

bool is_control(utf8proc_int32_t point) {
  const utf8proc_category_t category = utf8proc_category(point);
  return category == UTF8PROC_CATEGORY_CC || category == UTF8PROC_CATEGORY_ZL ||
         category == UTF8PROC_CATEGORY_ZP;
}

void append_visible(std::string& out, const Character& character) {
  switch (character.point) {
    case '\n':
      out += "\u21B5";
      return;
    case '\r':
      out += "\u240D";
      return;
    case '\t':
      out += "\u21E5";
      return;
    default:
      break;
  }
  if (character.point < 0)
    out += fmt::format("\\x{:02x}",
                       static_cast<unsigned char>(character.bytes[0]));
  else if (character.point < 0x100 && is_control(character.point))
    out += fmt::format("\\x{:02x}", character.point);
  else if (is_control(character.point) || changes_direction(character.point))
    out += fmt::format("\\u{:04x}", character.point);
  else
    out += character.bytes;
}

bool right_to_left(std::string_view text) {
  bool found = false;
  for_each_character(text, [&](const Character& character) {
    if (character.point < 0) return;
    switch (utf8proc_get_property(character.point)->bidi_class) {
      case UTF8PROC_BIDI_CLASS_R:
      case UTF8PROC_BIDI_CLASS_AL:
      case UTF8PROC_BIDI_CLASS_AN:
        found = true;
        break;
      default:
        break;
    }
  });
  return found;
}

// What is drawn as one: a letter and its marks, an emoji sequence.
struct Cluster {
  std::string_view bytes;
  int width = 0;
};

std::vector<Cluster> clusters_of(std::string_view text) {
  std::vector<Cluster> clusters;
  utf8proc_int32_t before = -1, state = 0;
  const char* begin = text.data();
  for_each_character(text, [&](const Character& character) {
    const bool starts =
        before < 0 || character.point < 0 ||
        utf8proc_grapheme_break_stateful(before, character.point, &state);
    const int width =
        character.point < 0 ? 1 : utf8proc_charwidth(character.point);
    if (starts) {
      begin = character.bytes.data();
      clusters.push_back({character.bytes, width});
    } else {
      Cluster& last = clusters.back();
      last.bytes = {begin, last.bytes.size() + character.bytes.size()};
      // U+FE0F asks for the emoji form, which is wide.
      if (character.point == 0xFE0F) last.width = 2;
      last.width = std::max(last.width, width);
    }
    before = character.point;
  });
  return clusters;
}

// A mark without a letter would stand on the cell before.
std::string on_circle(std::string text) {
  const Character first = next_character(text);
  if (text.empty() || first.point < 0) return text;
  const utf8proc_category_t category = utf8proc_category(first.point);
  const bool is_mark = category == UTF8PROC_CATEGORY_MN ||
                       category == UTF8PROC_CATEGORY_MC ||
                       category == UTF8PROC_CATEGORY_ME;
  return is_mark ? "\u25CC" + text : text;
}

}  // namespace

std::string one_line_text(std::string_view text) {
  std::string line;
  for_each_character(text, [&](const Character& character) {
    append_visible(line, character);
  });
  return on_circle(std::move(line));
}

std::string visible_token(std::string_view text) {
  std::string shown;
  for (const char c : one_line_text(text)) {
    if (c == ' ')
      shown += "\u2423";
    else
      shown += c;
  }
  return shown;
}

int display_width(std::string_view text) {
  int width = 0;
  for (const Cluster& cluster : clusters_of(text)) width += cluster.width;
  return width;
}

std::string fit(std::string_view text, int width) {
  const int wanted = display_width(text);
  const int room = wanted > width ? width - 1 : width;  // for the ellipsis
  std::string shown;
  int used = 0;
  for (const Cluster& cluster : clusters_of(text)) {
    if (used + cluster.width > room) break;
    shown += cluster.bytes;
    used += cluster.width;
  }
  if (wanted > width && width > 0) {
    shown += kEllipsis;
    ++used;
  }
  // In isolation: beside it the terminal would reorder what is not of this
  // text.
  if (right_to_left(shown))
    shown = std::string(kIsolate) + shown + std::string(kEndIsolate);
  if (used < width) shown.append(static_cast<std::size_t>(width - used), ' ');
  return shown;
}

std::string share_bar(double share) {
  static constexpr std::array<const char*, 8> kBars = {
      "\u2581", "\u2582", "\u2583", "\u2584",
      "\u2585", "\u2586", "\u2587", "\u2588"};
  if (std::isnan(share)) return "?";
  const double place = std::clamp(share, 0.0, 1.0) * 8;
  return kBars[std::min<std::size_t>(static_cast<std::size_t>(place), 7)];
}

std::string wrapped(std::string_view text, int width, int indent) {
  const bool isolated = right_to_left(text);
  const int room = std::max(width - indent, 10);
  std::string out, line, word;
  int line_width = 0, word_width = 0;
  const auto end_line = [&] {
    if (!out.empty())
      out += "\n" + std::string(static_cast<std::size_t>(indent), ' ');
    out += isolated ? std::string(kIsolate) + line + std::string(kEndIsolate)
                    : line;
    line.clear();
    line_width = 0;
  };
  const auto end_word = [&] {
    if (line_width > 0 && line_width + word_width > room) end_line();
    line += word;
    line_width += word_width;
    word.clear();
    word_width = 0;
  };
  for (const Cluster& cluster : clusters_of(text)) {
    if (word_width + cluster.width > room) end_word();
    word += cluster.bytes;
    word_width += cluster.width;
    if (cluster.bytes == " ") end_word();
  }
  end_word();
  end_line();
  return out;
}

}  // namespace lens::analysis::view
