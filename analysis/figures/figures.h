#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lens::analysis::figures {

// Figures as SVG text, self-contained: no script, no font or file of another
// place. They take plain numbers; where these come from is not their business.
// Colours are perceptual and safe for the colour-blind; scales are fixed, so
// that two figures can be compared. Text may be of any script and direction;
// what is not valid in XML is shown as \xNN. Every function is pure: equal
// structs give equal bytes. A value that is not finite is drawn as "no value":
// a hatched cell, a gap in a line.
//
// Throws InputError where lists of a struct do not fit each other, a scale is
// empty, or the picture is no base64 data: URI.
//
// A figure is light by itself. A page that holds it inline sets CSS variables
// for another look: --lens-paper, --lens-ink, --lens-muted, --lens-grid,
// --lens-axis, --lens-blank, --lens-hatch, --lens-match, and --lens-c0 ..
// --lens-c7 for line_colour(0) .. (7). On dark paper change at least c0, c6
// (black) and c7 (indigo).

// Tokens x layers of one sample: layers run upwards from 0, tokens rightwards.
struct HeatMap {
  std::string title, subtitle;
  std::vector<std::string> tokens;  // [token] the emitted tokens
  int layers = 0;
  std::vector<std::string> cell_text;  // [token, layer] the layer's top token
  std::vector<double> value;           // [token, layer], NaN: no value
  std::vector<std::uint8_t> match;     // [token, layer] 1: a red frame
  enum class Scale { kEntropy, kProbability } scale = Scale::kEntropy;
  double largest_entropy = 0;  // ln V, the end of the scale
};
std::string heat_map_svg(const HeatMap& map);

// Curves over layers with optional bands.
struct CurveFigure {
  std::string title = {}, subtitle = {}, y_label = {};
  double y_min = 0, y_max = 1;
  bool logarithmic = false;  // the values are natural logarithms
  struct Line {
    std::string name;
    std::vector<double> mean, low, high;  // [layer]; empty low: no band
  };
  std::vector<Line> lines = {};
  std::vector<std::vector<double>> thin = {};  // single samples, behind
  // Vertical marks with a label, for example the onset and its interval.
  struct Mark {
    std::string label;
    double layer = 0, low = 0, high = 0;
    int line = 0;  // whose colour
  };
  std::vector<Mark> marks = {};
};
std::string curves_svg(const CurveFigure& figure);

// The two curves above, their difference with band below.
struct ComparisonFigure {
  CurveFigure curves;
  CurveFigure::Line difference;
};
std::string comparison_svg(const ComparisonFigure& figure);

// Counts by layer, one panel a group. Bars are drawn in per cent of the whole
// group, those without a layer included, on one scale, so that groups of any
// size can be compared; the counts are under the pointer and in the CSV.
struct HistogramFigure {
  std::string title, subtitle, x_label;
  struct Series {
    std::string name;
    std::vector<std::int64_t> count;  // [layer]
    std::int64_t without = 0;         // told in the legend
  };
  std::vector<Series> series;
};
std::string histogram_svg(const HistogramFigure& figure);

// Shares by layer as a stack; one panel a group.
struct StackFigure {
  std::string title, subtitle;
  std::vector<std::string> parts;  // [part]
  struct Panel {
    std::string name;
    std::vector<double> share;  // [layer, part]
  };
  std::vector<Panel> panels;
};
std::string stack_svg(const StackFigure& figure);

// Values of image tokens laid over the picture. The picture is a data: URI or
// empty; cells are the grid after the 2 x 2 merge, row by row.
struct ImageMap {
  std::string title, subtitle;
  std::string picture_uri;
  int picture_width = 0, picture_height = 0;  // pixels shown
  int rows = 0, columns = 0;
  std::vector<double> value;           // [row, column], NaN: none
  std::vector<std::string> cell_text;  // [row, column], may be empty
  HeatMap::Scale scale = HeatMap::Scale::kEntropy;
  double largest_entropy = 0;
};
std::string image_map_svg(const ImageMap& map);

// "#rrggbb" of a share 0..1 of the scale; darker is larger.
std::string scale_colour(HeatMap::Scale scale, double share);
// Colour of the i-th line or group: eight that stay apart for the colour-blind.
std::string line_colour(int index);

}  // namespace lens::analysis::figures
