#pragma once

#include <string>
#include <vector>

#include "analysis/figures/figures.h"
#include "analysis/figures/legend.h"
#include "analysis/figures/scale.h"

namespace lens::analysis::figures {

// What curves_svg() and comparison_svg() share.
inline constexpr double kCurveFigureWidth = 700;  // pixels
inline constexpr double kCurveFigureMargin = 16;
inline constexpr double kCurveLabels = 54;  // left of the plot

// Layers that the longest line has; at least 1.
int layers_of(const CurveFigure& figure);
// Throws InputError for an empty scale, or bands of another length than lines.
void check_curves(std::string_view figure_name, const CurveFigure& figure);

// Band and mean of one line, in the colour of `index`; a gap where a value is
// not finite, a dot where both neighbours are missing.
void draw_line(Svg& svg, const CurveFigure::Line& line, int index,
               std::string_view dashes, const LayerScale& layers,
               const ValueScale& values);

std::vector<LegendEntry> line_legend(const CurveFigure& figure);

// Marks in a strip, then the plot with its axes. Returns the y below it.
double draw_curve_panel(Svg& svg, const CurveFigure& figure, double top,
                        double height, std::string_view layer_name);

}  // namespace lens::analysis::figures
