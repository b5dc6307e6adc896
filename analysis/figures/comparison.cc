#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analysis/figures/check.h"
#include "analysis/figures/curve_panel.h"

namespace lens::analysis::figures {
namespace {

// The difference is black, apart from the colours of the two lines.
constexpr int kDifferenceColour = 6;

// The largest distance from zero that is drawn, rounded up so that the axis has
// a label near its end.
double reach(const CurveFigure::Line& line) {
  double largest = 0;
  for (const auto* list : {&line.mean, &line.low, &line.high}) {
    for (const double value : *list) {
      if (std::isfinite(value)) largest = std::max(largest, std::abs(value));
    }
  }
  return largest > 0 ? largest * 1.08 : 1;
}

double draw_difference(Svg& svg, const ComparisonFigure& figure, double top) {
  const double left = kCurveFigureMargin + kCurveLabels;
  const PlotArea area{left, top, kCurveFigureWidth - left - kCurveFigureMargin,
                      130};
  const LayerScale layers(area, layers_of(figure.curves), 8);
  const double largest = reach(figure.difference);
  const ValueScale values(area, -largest, largest);
  draw_value_axis(svg, area, values, ticks(-largest, largest, 4), "difference",
                  kCurveFigureMargin + 8);
  svg.line(area.left, values.y(0), area.right(), values.y(0), kAxis);
  draw_line(svg, figure.difference, kDifferenceColour, "", layers, values);
  return draw_layer_axis(svg, area, layers, "layer");
}

std::string described(const ComparisonFigure& figure) {
  std::string text = "Above, the curves over the layers:";
  for (const auto& line : figure.curves.lines) text += " " + line.name + ".";
  return text +
         " Below, their difference with its band: " + figure.difference.name +
         ".";
}

}  // namespace

std::string comparison_svg(const ComparisonFigure& figure) {
  check_curves("comparison", figure.curves);
  const CurveFigure::Line& difference = figure.difference;
  check_length("comparison", "difference.high", difference.high.size(),
               difference.low.size());
  check_length("comparison", "difference.mean", difference.mean.size(),
               static_cast<std::size_t>(layers_of(figure.curves)));
  constexpr double kInner = kCurveFigureWidth - 2 * kCurveFigureMargin;
  Svg svg("comparison", figure.curves.title, described(figure));
  double y = draw_head(svg, figure.curves.title, figure.curves.subtitle,
                       kCurveFigureMargin, kInner);
  y = draw_legend(svg, line_legend(figure.curves), kCurveFigureMargin, y,
                  kInner);
  y = draw_curve_panel(svg, figure.curves, y + 4, 240, "");
  svg.label({.x = kCurveFigureMargin + kCurveLabels,
             .y = y + 14,
             .text = difference.name,
             .width = kInner - kCurveLabels,
             .attributes = "font-weight=\"600\""});
  y = draw_difference(svg, figure, y + 24);
  return svg.finish(kCurveFigureWidth, y + 6);
}

}  // namespace lens::analysis::figures
