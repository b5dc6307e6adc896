#include <fmt/format.h>

#include "analysis/figures/curve_panel.h"

namespace lens::analysis::figures {
namespace {

std::string described(const CurveFigure& figure) {
  std::string text = fmt::format(
      "Curves of {} over {} layers, from {:.3g} to "
      "{:.3g}{}.",
      figure.y_label.empty() ? "values" : figure.y_label, layers_of(figure),
      figure.y_min, figure.y_max,
      figure.logarithmic ? " (natural logarithms)" : "");
  for (const CurveFigure::Line& line : figure.lines) {
    text += fmt::format(" Line: {}.", line.name);
  }
  if (!figure.thin.empty()) {
    text += fmt::format(" Behind them {} single samples.", figure.thin.size());
  }
  for (const CurveFigure::Mark& mark : figure.marks) {
    text += fmt::format(" Mark: {}.", mark.label);
  }
  return text;
}

}  // namespace

std::string curves_svg(const CurveFigure& figure) {
  check_curves("curves", figure);
  constexpr double kInner = kCurveFigureWidth - 2 * kCurveFigureMargin;
  Svg svg("curves", figure.title, described(figure));
  double y =
      draw_head(svg, figure.title, figure.subtitle, kCurveFigureMargin, kInner);
  y = draw_legend(svg, line_legend(figure), kCurveFigureMargin, y, kInner);
  y = draw_curve_panel(svg, figure, y + 4, 300, "layer");
  return svg.finish(kCurveFigureWidth, y + 6);
}

}  // namespace lens::analysis::figures
