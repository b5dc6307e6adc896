#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "analysis/figures/colour.h"
#include "analysis/figures/figures.h"
#include "analysis/figures/scale.h"

namespace lens::analysis::figures {
namespace {

using Series = HistogramFigure::Series;

constexpr double kWidth = 700, kMargin = 16, kLabels = 54;  // pixels
constexpr double kNameRow = 20, kGap = 14;
// Height of a panel: one alone may be tall, many stay on a page.
double panel_height(std::size_t series) {
  return series <= 1 ? 240 : series <= 3 ? 110 : 74;
}

int layers_of(const HistogramFigure& figure) {
  std::size_t layers = 1;
  for (const Series& series : figure.series) {
    layers = std::max(layers, series.count.size());
  }
  return static_cast<int>(layers);
}

std::int64_t counted(const Series& series) {
  return std::accumulate(series.count.begin(), series.count.end(),
                         std::int64_t{0});
}

// Of all of the group, those without a layer included: groups of any size can
// be compared. In per cent.
double percent(const Series& series, std::int64_t count) {
  const std::int64_t all = counted(series) + series.without;
  return all > 0 ? 100.0 * static_cast<double>(count) / static_cast<double>(all)
                 : 0;
}

std::optional<int> median(const Series& series) {
  const std::int64_t all = counted(series);
  if (all == 0) return std::nullopt;
  std::int64_t seen = 0;
  for (std::size_t layer = 0; layer < series.count.size(); ++layer) {
    seen += series.count[layer];
    if (2 * seen >= all) return static_cast<int>(layer);
  }
  return std::nullopt;
}

std::string facts(const Series& series) {
  std::string text = fmt::format("n = {}", counted(series) + series.without);
  if (const auto layer = median(series)) {
    text += fmt::format(", median {}", *layer);
  }
  if (series.without > 0) {
    text += fmt::format(", {} without ({:.1f} %)", series.without,
                        percent(series, series.without));
  }
  return text;
}

std::string described(const HistogramFigure& figure) {
  std::string text = fmt::format(
      "Histograms of {} over {} layers, in per cent "
      "of each group, on one scale.",
      figure.x_label, layers_of(figure));
  for (const Series& series : figure.series) {
    text += fmt::format(" {}: {}.", series.name, facts(series));
  }
  return text;
}

void draw_bars(Svg& svg, const Series& series, int index, const PlotArea& area,
               const LayerScale& layers, const ValueScale& values) {
  const double bar = std::min(layers.step() * 0.8, 34.0);
  open_line_colour(svg, index);
  svg.open("fill=\"currentColor\"");
  for (std::size_t layer = 0; layer < series.count.size(); ++layer) {
    const std::int64_t count = series.count[layer];
    if (count == 0) continue;
    const double share = percent(series, count);
    // What is there is seen, however rare.
    const double top = std::min(values.y(share), area.bottom() - 1);
    svg.rect(layers.x(static_cast<double>(layer)) - bar / 2, top, bar,
             area.bottom() - top, "",
             fmt::format("layer {}: {} of {} ({:.1f} %)", layer, count,
                         counted(series) + series.without, share));
  }
  svg.close();
  if (const auto layer = median(series)) {
    const double x = layers.x(*layer);
    svg.path(PathData()
                 .move(x, area.top + 1)
                 .line(x - 4, area.top - 6)
                 .line(x + 4, area.top - 6)
                 .close(),
             "fill=\"currentColor\"", fmt::format("median: {}", *layer));
  }
  svg.close();
}

// The end of the common scale: the tallest bar and some air.
double largest_percent(const HistogramFigure& figure) {
  double largest = 0;
  for (const Series& series : figure.series) {
    for (const std::int64_t count : series.count) {
      largest = std::max(largest, percent(series, count));
    }
  }
  return largest > 0 ? largest * 1.05 : 1;
}

// Name and facts of a group above its plot.
void draw_name(Svg& svg, const Series& series, const PlotArea& area) {
  const std::string told = facts(series);
  const double told_width = 1.08 * kTextSize * text_width(told);
  const double y = area.top - 15;
  svg.label({.x = area.left,
             .y = y,
             .text = series.name,
             .width = (area.width - told_width - 12) / 1.06,
             .attributes = "font-weight=\"600\""});
  svg.label({.x = area.right(),
             .y = y,
             .text = told,
             .anchor = Anchor::kRight,
             .attributes = kMuted});
}

// All panels from `y` on; returns the y below the last one's axis.
double draw_panels(Svg& svg, const HistogramFigure& figure, double y) {
  const double largest = largest_percent(figure);
  const double height = panel_height(figure.series.size());
  const bool tall = height > 90;
  const double left = kMargin + kLabels;
  for (std::size_t i = 0; i < figure.series.size(); ++i) {
    const PlotArea area{left, y + kNameRow + 8, kWidth - left - kMargin,
                        height};
    const LayerScale layers(area, layers_of(figure), 14);
    const ValueScale values(area, 0, largest);
    draw_name(svg, figure.series[i], area);
    // Low panels share one name of the axis.
    const bool named = tall || i == figure.series.size() / 2;
    draw_value_axis(svg, area, values, ticks(0, largest, tall ? 4 : 2),
                    named ? "% of group" : "", kMargin + 8);
    draw_bars(svg, figure.series[i], static_cast<int>(i), area, layers, values);
    if (i + 1 == figure.series.size()) {
      return draw_layer_axis(svg, area, layers, figure.x_label);
    }
    svg.line(area.left, area.bottom(), area.right(), area.bottom(), kAxis);
    y = area.bottom() + kGap;
  }
  svg.label({.x = kMargin,
             .y = y + 14,
             .text = "no groups: there is nothing to draw"});
  return y + 24;
}

}  // namespace

std::string histogram_svg(const HistogramFigure& figure) {
  using namespace figures;
  Svg svg("histogram", figure.title, described(figure));
  double y = draw_head(svg, figure.title, figure.subtitle, kMargin,
                       kWidth - 2 * kMargin);
  y = draw_panels(svg, figure, y);
  return svg.finish(kWidth, y + 6);
}

}  // namespace lens::analysis::figures
