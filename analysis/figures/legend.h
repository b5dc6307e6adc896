#pragma once

#include <string>
#include <vector>

#include "analysis/figures/figures.h"
#include "analysis/figures/svg.h"

namespace lens::analysis::figures {

struct LegendEntry {
  enum class Mark { kLine, kBox } mark = Mark::kLine;
  int index = 0;  // of the line, or of the part
  std::string name;
};

// Entries in rows, as many in each as fit `width`. Returns the y below them;
// `y` itself where there are none.
double draw_legend(Svg& svg, const std::vector<LegendEntry>& entries, double x,
                   double y, double width);

// The colours of a whole scale with its ticks, and what the frame and the
// hatching mean.
struct ColourBar {
  HeatMap::Scale scale = HeatMap::Scale::kEntropy;
  double largest_entropy = 0;
  double opacity = 1;         // as it lies over a picture
  std::string match_meaning;  // "": no frames
  bool has_gaps = false;      // tell what hatching is
};
// Wraps into a second row where `width` asks for it. Returns the y below it.
double draw_colour_bar(Svg& svg, const ColourBar& bar, double x, double y,
                       double width);

// A red frame inside the box, seen on dark and on light cells.
void draw_frames(Svg& svg, const PathData& frames);
// Cells without a value: blank and hatched.
class Gaps {
 public:
  void add(double x, double y, double width, double height);
  bool empty() const { return boxes_.empty(); }
  void draw(Svg& svg) const;

 private:
  PathData boxes_, lines_;
};

}  // namespace lens::analysis::figures
