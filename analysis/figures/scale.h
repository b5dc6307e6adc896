#pragma once

#include <string>
#include <vector>

#include "analysis/figures/svg.h"

namespace lens::analysis::figures {

// The rectangle of a plot, pixels.
struct PlotArea {
  double left = 0, top = 0, width = 0, height = 0;

  double right() const { return left + width; }
  double bottom() const { return top + height; }
};

// States 0 .. layers-1 over the width of a plot; a single one is in its middle.
class LayerScale {
 public:
  LayerScale(const PlotArea& area, int layers, double padding = 0);

  int layers() const { return layers_; }
  double step() const { return step_; }  // pixels from one state to the next
  double x(double layer) const { return first_ + layer * step_; }

 private:
  int layers_;
  double first_, step_;
};

// Values over the height of a plot. What lies outside is put on the edge.
class ValueScale {
 public:
  ValueScale(const PlotArea& area, double smallest, double largest);

  double smallest() const { return smallest_; }
  double largest() const { return largest_; }
  double y(double value) const;

 private:
  double smallest_, largest_, bottom_, height_;
};

struct Tick {
  double value = 0;
  std::string label;
};

// About `count` round values in [smallest, largest].
std::vector<Tick> ticks(double smallest, double largest, int count);
// Of natural logarithms: at whole powers of ten, labelled by the number itself.
std::vector<Tick> logarithmic_ticks(double smallest, double largest, int count);

// Labels of state indices: round steps and always the last one.
std::vector<int> labelled_layers(int layers, double step_pixels);

// Below the plot: state indices, "embedding" at 0, "output" at the last, and
// the name of the axis. `name` may be empty. Returns the y below it.
double draw_layer_axis(Svg& svg, const PlotArea& area, const LayerScale& scale,
                       std::string_view name);
// Grid lines and labels left of the plot, and its name, turned, at the far
// left. `name_x` is the base line of the name.
void draw_value_axis(Svg& svg, const PlotArea& area, const ValueScale& scale,
                     const std::vector<Tick>& marks, std::string_view name,
                     double name_x);

}  // namespace lens::analysis::figures
