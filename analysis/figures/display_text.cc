#include "analysis/figures/display_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "analysis/figures/code_point.h"

namespace lens::analysis::figures {
namespace {

constexpr std::string_view kEllipsis = "\u2026";
constexpr double kEllipsisWidth = 0.9;

std::string escaped_bytes(std::string_view bytes) {
  std::string out;
  for (const char byte : bytes) {
    out += fmt::format("\\x{:02x}", static_cast<unsigned char>(byte));
  }
  return out;
}

bool is_control(char32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xfffe || c == 0xffff;
}

// What shows nothing of its own: soft hyphen, zero-width spaces, direction
// marks, line separators, tags.
bool is_invisible(char32_t c) {
  return c == 0xad || c == 0x61c || c == 0x180e || c == 0x200b ||
         (c >= 0x200e && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
         (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
         (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe007f);
}

bool is_blank(char32_t c) {
  return c == ' ' || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) ||
         c == 0x202f || c == 0x205f || c == 0x3000;
}

// Joiners and variation selectors mean nothing without a letter before them.
bool needs_base(char32_t c) {
  return c == 0x200c || c == 0x200d || (c >= 0xfe00 && c <= 0xfe0f);
}

std::string visible_character(const CodePoint& point, std::string_view bytes,
                              bool first, TextKind kind) {
  const char32_t c = point.value;
  if (!point.valid) return escaped_bytes(bytes);
  if (c == '\n') return "\u21b5";
  if (c == '\r') return "\u240d";
  if (c == '\t') return "\u21e5";
  if (is_control(c)) return escaped_bytes(bytes);
  if (is_invisible(c) || (first && needs_base(c))) {
    return fmt::format("\\u{:04x}", static_cast<unsigned>(c));
  }
  if (is_blank(c) && kind == TextKind::kToken) return "\u2423";
  if (first && is_combining(c)) {
    return std::string("\u25cc").append(bytes);
  }
  return std::string(bytes);
}

// A letter with what belongs to it: marks, joiners and what they join.
struct Cluster {
  std::string_view bytes;
  double width = 0;
};

std::vector<Cluster> clusters(std::string_view text) {
  std::vector<Cluster> out;
  bool after_joiner = false;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint point = read_code_point(text, at);
    const bool extends =
        !out.empty() &&
        (after_joiner || is_combining(point.value) || needs_base(point.value));
    if (extends) {
      const auto start =
          static_cast<std::size_t>(out.back().bytes.data() - text.data());
      out.back().bytes = text.substr(start, at + point.length - start);
    } else {
      out.push_back({text.substr(at, point.length), em_width(point.value)});
    }
    after_joiner = point.value == 0x200d;
    at += point.length;
  }
  return out;
}

double total(std::span<const Cluster> pieces) {
  double width = 0;
  for (const Cluster& piece : pieces) width += piece.width;
  return width;
}

std::string joined(std::span<const Cluster> pieces) {
  std::string out;
  for (const Cluster& piece : pieces) out += piece.bytes;
  return out;
}

// How many of the pieces one line takes: up to the last blank that fits, or as
// many as fit where a word alone is wider.
std::size_t line_length(std::span<const Cluster> pieces, double width_em) {
  double width = 0;
  std::size_t fits = 0, blank = 0;
  for (; fits < pieces.size(); ++fits) {
    width += pieces[fits].width;
    if (width > width_em) break;
    if (pieces[fits].bytes == " ") blank = fits + 1;
  }
  if (fits == pieces.size()) return fits;
  if (pieces[fits].bytes == " ") return fits;
  return blank > 0 ? blank : std::max<std::size_t>(fits, 1);
}

std::string trimmed(std::string line) {
  while (!line.empty() && line.back() == ' ') line.pop_back();
  line.erase(0, line.find_first_not_of(' '));
  return line;
}

}  // namespace

std::string visible_text(std::string_view text, TextKind kind) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint point = read_code_point(text, at);
    out +=
        visible_character(point, text.substr(at, point.length), at == 0, kind);
    at += point.length;
  }
  return out;
}

double text_width(std::string_view visible) { return total(clusters(visible)); }

std::string shorten(std::string_view visible, double width_em) {
  const std::vector<Cluster> pieces = clusters(visible);
  if (total(pieces) <= width_em) return std::string(visible);
  double width = kEllipsisWidth;
  std::size_t kept = 0;
  while (kept < pieces.size() && width + pieces[kept].width <= width_em) {
    width += pieces[kept++].width;
  }
  return joined(std::span(pieces).first(kept)).append(kEllipsis);
}

std::vector<std::string> wrap(std::string_view visible, double width_em,
                              int most_lines) {
  const std::vector<Cluster> pieces = clusters(visible);
  std::vector<std::string> lines;
  std::span<const Cluster> rest(pieces);
  while (!rest.empty() && most_lines > 0) {
    if (static_cast<int>(lines.size()) + 1 == most_lines) {
      lines.push_back(shorten(trimmed(joined(rest)), width_em));
      break;
    }
    const std::size_t taken = line_length(rest, width_em);
    lines.emplace_back(trimmed(joined(rest.first(taken))));
    rest = rest.subspan(taken);
  }
  return lines;
}

// By the first letter that has a direction, as Unicode takes that of a
// paragraph.
bool right_to_left(std::string_view visible) {
  for (std::size_t at = 0; at < visible.size();) {
    const CodePoint point = read_code_point(visible, at);
    const Direction direction = strong_direction(point.value);
    if (direction != Direction::kNone) {
      return direction == Direction::kRightToLeft;
    }
    at += point.length;
  }
  return false;
}

std::string xml_text(std::string_view visible) {
  std::string out;
  out.reserve(visible.size());
  for (const char c : visible) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

}  // namespace lens::analysis::figures
