#pragma once

#include "analysis/figures/figures.h"

namespace lens::analysis::figures::examples {

// Figures of made-up numbers that look like those of a real run. Pure: equal
// arguments give equal structs.

inline constexpr double kLnV = 11.931;  // of 151,936 ids

// An answer of `tokens` tokens (a formula, then words of nine languages, again
// and again), the entropy falling at two thirds of the layers.
HeatMap heat_map(int tokens, int layers, HeatMap::Scale scale);
// Tokens that try to break the file.
HeatMap hostile_heat_map();
// `lines` groups of a mean with a band, and `samples` thin curves.
CurveFigure curves(int lines, int layers, int samples);
CurveFigure rank_curves(int layers);
ComparisonFigure comparison(int layers);
HistogramFigure histogram(int series, int layers);
StackFigure stack(int panels, int layers);
// A grid with one cell of low entropy; without a picture.
ImageMap image_map(int rows, int columns);

}  // namespace lens::analysis::figures::examples
