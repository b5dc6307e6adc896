#pragma once

#include <string>

#include "analysis/figures/figures.h"

namespace lens::analysis::figures {

// The data of a figure as CSV, from the very struct that it is drawn from.
//
// One header line, LF at line ends, fields quoted as in RFC 4180. Numbers are
// the shortest decimals that read back as the same double; NaN is written so.
// Text is the text given, not what is drawn: nothing is shortened, white space
// is what it was.

// token,token_text,layer,top_text,entropy,match (or probability for entropy)
std::string heat_map_csv(const HeatMap& map);
// kind,name,layer,value,low,high. kind is line, sample (name: its number from
// 0) or mark (layer, low and high are layers, value is empty).
std::string curves_csv(const CurveFigure& figure);
// As curves_csv, and kind difference.
std::string comparison_csv(const ComparisonFigure& figure);
// series,layer,count; the layer of those without one is empty.
std::string histogram_csv(const HistogramFigure& figure);
// panel,layer,part,share
std::string stack_csv(const StackFigure& figure);
// row,column,top_text,entropy (or probability)
std::string image_map_csv(const ImageMap& map);

}  // namespace lens::analysis::figures
