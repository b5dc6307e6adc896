#include "analysis/figures/legend.h"

#include <fmt/format.h>

#include <algorithm>

#include "analysis/figures/colour.h"
#include "analysis/figures/scale.h"

namespace lens::analysis::figures {
namespace {

constexpr double kRow = 19;       // pixels from one row to the next
constexpr double kMargin = 1.06;  // real faces may be wider than estimated
constexpr double kBarWidth = 220;
constexpr double kBarHeight = 10;

double name_width(const std::string& name) {
  return kMargin * kTextSize * text_width(visible_text(name, TextKind::kProse));
}

void draw_mark(Svg& svg, const LegendEntry& entry, double x, double y) {
  if (entry.mark == LegendEntry::Mark::kBox) {
    svg.rect(x, y - 10, 12, 12,
             fmt::format("fill=\"{}\"", part_colour(entry.index)));
    return;
  }
  open_line_colour(svg, entry.index);
  std::string look = "stroke=\"currentColor\" stroke-width=\"2.2\"";
  if (!dash(entry.index).empty()) {
    look += fmt::format(" stroke-dasharray=\"{}\"", dash(entry.index));
  }
  svg.line(x, y - 4, x + 34, y - 4, look);
  svg.close();
}

void draw_bar_ticks(Svg& svg, const ColourBar& bar, double x, double y) {
  const bool entropy = bar.scale == HeatMap::Scale::kEntropy;
  const double largest = entropy ? bar.largest_entropy : 1;
  const std::string end =
      entropy ? fmt::format("ln V = {:.2f}", largest) : "1.0";
  PathData notches;
  const auto mark = [&](double value, std::string_view label, Anchor anchor) {
    const double at = x + value / largest * kBarWidth;
    notches.move(at, y + kBarHeight).line(at, y + kBarHeight + 3);
    svg.label({.x = at + (anchor == Anchor::kLeft ? -3 : 0),
               .y = y + kBarHeight + 14,
               .text = label,
               .anchor = anchor,
               .size = 10.5});
  };
  for (const Tick& tick : ticks(0, largest, entropy ? 6 : 4)) {
    if (tick.value > largest * 0.86) continue;
    mark(tick.value, tick.label, Anchor::kMiddle);
  }
  mark(largest, end, entropy ? Anchor::kLeft : Anchor::kMiddle);
  svg.path(notches, kAxis);
}

// The bar itself; returns the x behind it.
double draw_bar(Svg& svg, const ColourBar& bar, double x, double y) {
  constexpr int kSteps = 64;
  const bool entropy = bar.scale == HeatMap::Scale::kEntropy;
  const std::string name =
      entropy ? "entropy (nats)" : "probability of the top token";
  svg.label({.x = x, .y = y + kBarHeight - 1, .text = name});
  const double left = x + name_width(name) + 10;
  svg.open(bar.opacity < 1 ? fmt::format("fill-opacity=\"{:.2f}\" "
                                         "shape-rendering=\"crispEdges\"",
                                         bar.opacity)
                           : std::string("shape-rendering=\"crispEdges\""));
  for (int i = 0; i < kSteps; ++i) {
    svg.rect(left + i * kBarWidth / kSteps, y, kBarWidth / kSteps, kBarHeight,
             fmt::format("fill=\"{}\"",
                         scale_colour(bar.scale, (i + 0.5) / kSteps)));
  }
  svg.close();
  draw_bar_ticks(svg, bar, left, y);
  return left + kBarWidth + (entropy ? 66 : 26);
}

}  // namespace

double draw_legend(Svg& svg, const std::vector<LegendEntry>& entries, double x,
                   double y, double width) {
  if (entries.empty()) return y;
  double at = x, base = y + 12;
  for (const LegendEntry& entry : entries) {
    const double mark = entry.mark == LegendEntry::Mark::kBox ? 12 + 6 : 34 + 7;
    const double whole = mark + name_width(entry.name);
    if (at > x && at + whole > x + width) {
      at = x;
      base += kRow;
    }
    draw_mark(svg, entry, at, base);
    svg.label({.x = at + mark,
               .y = base,
               .text = entry.name,
               .width = std::max(width - mark, 20.0)});
    at += whole + 20;
  }
  return base + 12;
}

double draw_colour_bar(Svg& svg, const ColourBar& bar, double x, double y,
                       double width) {
  double at = draw_bar(svg, bar, x, y);
  double top = y;
  const auto note = [&](const std::string& text) {
    const double whole = 24 + name_width(text);
    if (at + whole > x + width) {
      at = x;
      top += top == y ? 32 : kRow;
    }
    svg.label({.x = at + 24, .y = top + kBarHeight - 1, .text = text});
    at += whole + 20;
    return at - whole - 20;
  };
  if (!bar.match_meaning.empty()) {
    const double left = note(bar.match_meaning);
    svg.rect(left, top - 2, 18, 14,
             fmt::format("fill=\"{}\"", scale_colour(bar.scale, 0.35)));
    draw_frames(svg, PathData().box(left + 1, top - 1, 16, 12));
  }
  if (bar.has_gaps) {
    const double left = note("no value");
    Gaps sample;
    sample.add(left, top - 2, 18, 14);
    sample.draw(svg);
  }
  return top + 36;
}

void draw_frames(Svg& svg, const PathData& frames) {
  svg.path(frames,
           "class=\"lens-match-edge\" fill=\"none\" stroke=\"#fff\" "
           "stroke-width=\"3.4\"");
  svg.path(frames, std::string(kMatch) + " fill=\"none\" stroke-width=\"1.8\"");
}

void Gaps::add(double x, double y, double width, double height) {
  constexpr double kApart = 6;
  boxes_.box(x, y, width, height);
  // Rising lines through the box, cut at its edges.
  for (double start = kApart / 2; start < width + height; start += kApart) {
    const double from_x = std::max(0.0, start - height);
    const double to_x = std::min(start, width);
    lines_.move(x + from_x, y + start - from_x)
        .line(x + to_x, y + start - to_x);
  }
}

void Gaps::draw(Svg& svg) const {
  svg.path(boxes_, kBlank);
  svg.path(lines_, kHatch);
}

}  // namespace lens::analysis::figures
