#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "analysis/figures/display_text.h"

namespace lens::analysis::figures {

// Attributes of the parts of a figure. The colour stands as a presentation
// attribute, for viewers that know no CSS variables; the class is what a page
// overrides, by the variables of figures.h.
inline constexpr std::string_view kMuted =
    R"(class="lens-muted" fill="#5c5c5c")";
inline constexpr std::string_view kGrid =
    R"(class="lens-grid" stroke="#e2e2e2")";
inline constexpr std::string_view kAxis =
    R"(class="lens-axis" stroke="#8a8a8a")";
inline constexpr std::string_view kBlank =
    R"(class="lens-blank" fill="#f0f0f0")";
inline constexpr std::string_view kHatch =
    R"(class="lens-hatch" stroke="#a6a6a6" fill="none")";
inline constexpr std::string_view kMatch =
    R"(class="lens-match" stroke="#d40000")";

// Decimal number with at most one digit after the point, as short as it goes.
std::string number(double value);

// The d of a path: steps relative to the last point, in tenths.
class PathData {
 public:
  PathData& move(double x, double y);
  PathData& line(double x, double y);
  PathData& close();
  PathData& box(double x, double y, double width, double height);
  bool empty() const { return text_.empty(); }
  const std::string& text() const { return text_; }

 private:
  void append(std::int64_t tenths, bool after_letter);

  std::string text_;
  std::int64_t x_ = 0, y_ = 0;  // tenths
  bool in_line_ = false;
};

enum class Anchor { kLeft, kMiddle, kRight };  // as seen, whatever the script

struct Label {
  double x = 0, y = 0;  // of the base line
  std::string_view text;
  TextKind kind = TextKind::kProse;
  Anchor anchor = Anchor::kLeft;
  double size = 0;                   // pixels; 0: as around it
  double width = 0;                  // pixels; 0: as long as it is
  std::string_view attributes = "";  // more of them
  std::optional<bool> rtl = {};      // its own direction where not given
};

// One figure, written from front to back. Coordinates are pixels from the top
// left. Contains no id, so that many figures can stand in one page.
class Svg {
 public:
  // `kind` becomes the class lens-`kind`; title and description are what a
  // screen reader says.
  Svg(std::string_view kind, std::string_view title,
      std::string_view description);

  // Well-formed XML as it is.
  void raw(std::string_view xml) { body_ += xml; }
  void open(std::string_view attributes);
  void close() { body_ += "</g>"; }
  // `hover` is shown under the pointer; not yet escaped.
  void path(const PathData& data, std::string_view attributes,
            std::string_view hover = "");
  void line(double x1, double y1, double x2, double y2,
            std::string_view attributes);
  void rect(double x, double y, double width, double height,
            std::string_view attributes, std::string_view hover = "");
  // Of a direction of its own; where it is cut to the width, the whole text is
  // shown under the pointer. A base size is needed for that: kTextSize.
  void label(const Label& label);

  // The whole file.
  std::string finish(double width, double height) const;

 private:
  std::string kind_, title_, description_, body_;
};

inline constexpr double kTextSize = 12;  // pixels, of what says nothing else

// Opens a group whose currentColor is that of the i-th line.
void open_line_colour(Svg& svg, int index);

// Title and subtitle, wrapped. Returns the y below them.
double draw_head(Svg& svg, std::string_view title, std::string_view subtitle,
                 double x, double width);

}  // namespace lens::analysis::figures
