#include "analysis/figures/svg.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>

#include "analysis/figures/colour.h"

namespace lens::analysis::figures {
namespace {

// Noto covers all scripts of the data; after it what Windows, macOS and Linux
// bring along.
constexpr std::string_view kFonts =
    "'Noto Sans','Noto Sans Math','Noto Sans Symbols2','Noto Sans Arabic',"
    "'Noto Sans Thai Looped','Noto Looped Thai','Noto Sans Thai',"
    "'Noto Sans CJK JP','Noto Sans JP','Noto Sans CJK SC','Noto Sans SC',"
    "'Noto Sans CJK KR','Noto Sans KR','Segoe UI','Helvetica Neue',Arial,"
    "'DejaVu Sans',sans-serif,'Noto Color Emoji'";

// A viewer without CSS variables drops these rules and keeps the attributes.
constexpr std::string_view kStyle =
    "<style>"
    ".lens-figure{fill:var(--lens-ink,#1a1a1a)}"
    ".lens-paper{fill:var(--lens-paper,#fff)}"
    ".lens-muted{fill:var(--lens-muted,#5c5c5c)}"
    ".lens-grid{stroke:var(--lens-grid,#e2e2e2)}"
    ".lens-axis{stroke:var(--lens-axis,#8a8a8a)}"
    ".lens-blank{fill:var(--lens-blank,#f0f0f0)}"
    ".lens-hatch{stroke:var(--lens-hatch,#a6a6a6)}"
    ".lens-match{stroke:var(--lens-match,#d40000)}";

std::int64_t tenths(double value) { return std::llround(value * 10); }

std::string from_tenths(std::int64_t value) {
  const std::int64_t size = std::abs(value);
  std::string out = value < 0 ? "-" : "";
  if (size >= 10 || size == 0) out += std::to_string(size / 10);
  if (size % 10 != 0) out.append(".").append(std::to_string(size % 10));
  return out;
}

std::string hover_xml(std::string_view hover) {
  return fmt::format("<title>{}</title>", xml_text(hover));
}

std::string_view anchor_attribute(Anchor anchor, bool rtl) {
  if (anchor == Anchor::kMiddle) return " text-anchor=\"middle\"";
  // Where text runs to the left its start is on the right.
  const bool at_end = (anchor == Anchor::kRight) != rtl;
  return at_end ? " text-anchor=\"end\"" : "";
}

}  // namespace

std::string number(double value) { return from_tenths(tenths(value)); }

void PathData::append(std::int64_t value, bool after_letter) {
  if (!after_letter && value >= 0) text_ += ' ';
  text_ += from_tenths(value);
}

PathData& PathData::move(double x, double y) {
  x_ = tenths(x);
  y_ = tenths(y);
  text_ += 'M';
  append(x_, true);
  append(y_, false);
  in_line_ = false;
  return *this;
}

PathData& PathData::line(double x, double y) {
  // Relative to the place before as it was rounded: errors do not add up.
  const std::int64_t to_x = tenths(x), to_y = tenths(y);
  if (!in_line_) text_ += 'l';
  append(to_x - x_, !in_line_);
  append(to_y - y_, false);
  x_ = to_x;
  y_ = to_y;
  in_line_ = true;
  return *this;
}

PathData& PathData::close() {
  text_ += 'z';
  in_line_ = false;
  return *this;
}

PathData& PathData::box(double x, double y, double width, double height) {
  move(x, y);
  // From the rounded edges, so that neighbours meet.
  const std::int64_t across = tenths(x + width) - x_;
  const std::int64_t down = tenths(y + height) - y_;
  text_ += fmt::format("h{}v{}h{}z", from_tenths(across), from_tenths(down),
                       from_tenths(-across));
  return *this;
}

Svg::Svg(std::string_view kind, std::string_view title,
         std::string_view description)
    : kind_(kind),
      title_(visible_text(title, TextKind::kProse)),
      description_(visible_text(description, TextKind::kProse)) {}

void Svg::open(std::string_view attributes) {
  body_ += fmt::format("<g {}>", attributes);
}

void Svg::path(const PathData& data, std::string_view attributes,
               std::string_view hover) {
  if (data.empty()) return;
  body_ += fmt::format("<path d=\"{}\"", data.text());
  if (!attributes.empty()) body_.append(" ").append(attributes);
  body_ += hover.empty() ? "/>" : ">" + hover_xml(hover) + "</path>";
}

void Svg::line(double x1, double y1, double x2, double y2,
               std::string_view attributes) {
  path(PathData().move(x1, y1).line(x2, y2), attributes);
}

void Svg::rect(double x, double y, double width, double height,
               std::string_view attributes, std::string_view hover) {
  path(PathData().box(x, y, width, height), attributes, hover);
}

void Svg::label(const Label& label) {
  const std::string whole = visible_text(label.text, label.kind);
  if (whole.empty()) return;
  const double size = label.size > 0 ? label.size : kTextSize;
  const std::string shown =
      label.width > 0 ? shorten(whole, label.width / size) : whole;
  const bool rtl = label.rtl.value_or(right_to_left(whole));
  std::string out =
      fmt::format("<text x=\"{}\" y=\"{}\"{}", number(label.x), number(label.y),
                  anchor_attribute(label.anchor, rtl));
  if (rtl) out += " direction=\"rtl\"";
  if (label.size > 0) {
    out += fmt::format(" font-size=\"{}\"", number(label.size));
  }
  if (!label.attributes.empty()) out.append(" ").append(label.attributes);
  out += '>';
  if (shown != whole) out += hover_xml(whole);
  body_ += out + xml_text(shown) + "</text>";
}

std::string Svg::finish(double width, double height) const {
  std::string style(kStyle);
  for (int i = 0; i < 8; ++i) {
    style += fmt::format(".lens-c{0}{{color:var(--lens-c{0},{1})}}", i,
                         line_colour(i));
  }
  const std::string w = number(std::ceil(width)), h = number(std::ceil(height));
  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"lens-figure lens-{}\" "
      "role=\"img\" width=\"{}\" height=\"{}\" viewBox=\"0 0 {} {}\" "
      "font-family=\"{}\" font-size=\"{}\" fill=\"#1a1a1a\">",
      kind_, w, h, w, h, kFonts, number(kTextSize));
  out += hover_xml(title_) + fmt::format("<desc>{}</desc>{}</style>",
                                         xml_text(description_), style);
  out += fmt::format(
      "<rect class=\"lens-paper\" width=\"{}\" height=\"{}\" fill=\"#fff\"/>",
      w, h);
  return out + body_ + "</svg>\n";
}

void open_line_colour(Svg& svg, int index) {
  svg.open(fmt::format("class=\"lens-c{}\" color=\"{}\"", ((index % 8) + 8) % 8,
                       line_colour(index)));
}

double draw_head(Svg& svg, std::string_view title, std::string_view subtitle,
                 double x, double width) {
  struct Part {
    std::string_view text;
    double size, step;
    int lines;
    std::string_view attributes;
  };
  double y = 10;
  for (const Part& part : {Part{title, 15, 19, 2, "font-weight=\"600\""},
                           Part{subtitle, 12, 16, 3, kMuted}}) {
    if (y > 10) y += 2;
    const std::string visible = visible_text(part.text, TextKind::kProse);
    for (const std::string& line :
         wrap(visible, width / part.size, part.lines)) {
      y += part.step;
      svg.label({.x = x,
                 .y = y,
                 .text = line,
                 .size = part.size,
                 .attributes = part.attributes,
                 .rtl = right_to_left(visible)});
    }
  }
  return y + 11;
}

}  // namespace lens::analysis::figures
