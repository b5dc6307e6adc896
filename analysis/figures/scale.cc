#include "analysis/figures/scale.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace lens::analysis::figures {
namespace {

// The smallest of 1, 2, 5 times a power of ten that is not below `least`.
double round_step(double least) {
  const double power = std::pow(10.0, std::floor(std::log10(least)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    // A step that fits exactly must not be lost to rounding.
    if (factor * power >= least * (1 - 1e-9)) return factor * power;
  }
  return 10 * power;
}

std::string tick_label(double value, double step) {
  const int decimals =
      std::clamp(static_cast<int>(std::ceil(-std::log10(step) - 1e-9)), 0, 9);
  std::string label = fmt::format("{:.{}f}", value, decimals);
  // A true minus sign is as wide as a digit.
  if (label.front() == '-') label.replace(0, 1, "\u2212");
  return label;
}

// "1", "1000", "10^6" with raised digits where the number grows long.
std::string power_label(int exponent) {
  if (exponent >= 0 && exponent <= 4) {
    return fmt::format("{}", static_cast<int>(std::pow(10.0, exponent)));
  }
  if (exponent < 0 && exponent >= -3) {
    return fmt::format("{:.{}f}", std::pow(10.0, exponent), -exponent);
  }
  static constexpr std::string_view kRaised[] = {
      "\u2070", "\u00b9", "\u00b2", "\u00b3", "\u2074",
      "\u2075", "\u2076", "\u2077", "\u2078", "\u2079"};
  std::string label = exponent < 0 ? "10\u207b" : "10";
  for (const char digit : std::to_string(std::abs(exponent))) {
    label += kRaised[digit - '0'];
  }
  return label;
}

}  // namespace

LayerScale::LayerScale(const PlotArea& area, int layers, double padding)
    : layers_(layers) {
  const double inner = area.width - 2 * padding;
  if (layers > 1) {
    first_ = area.left + padding;
    step_ = inner / (layers - 1);
  } else {
    first_ = area.left + area.width / 2;
    step_ = inner / 2;
  }
}

ValueScale::ValueScale(const PlotArea& area, double smallest, double largest)
    : smallest_(smallest),
      largest_(largest),
      bottom_(area.bottom()),
      height_(area.height) {}

double ValueScale::y(double value) const {
  const double share = (value - smallest_) / (largest_ - smallest_);
  return bottom_ - std::clamp(share, 0.0, 1.0) * height_;
}

std::vector<Tick> ticks(double smallest, double largest, int count) {
  const double step = round_step((largest - smallest) / count);
  std::vector<Tick> out;
  const auto first = std::llround(std::ceil(smallest / step - 1e-9));
  const auto last = std::llround(std::floor(largest / step + 1e-9));
  for (auto i = first; i <= last; ++i) {
    // Multiples: sums of a step would drift.
    const double value = static_cast<double>(i) * step;
    out.push_back({value, tick_label(value, step)});
  }
  return out;
}

std::vector<Tick> logarithmic_ticks(double smallest, double largest,
                                    int count) {
  const double ten = std::log(10.0);
  const int first = static_cast<int>(std::ceil(smallest / ten - 1e-9));
  const int last = static_cast<int>(std::floor(largest / ten + 1e-9));
  const int step = std::max(1, (last - first + count) / count);
  std::vector<Tick> out;
  for (int exponent = first; exponent <= last; ++exponent) {
    if (exponent % step != 0) continue;
    out.push_back({exponent * ten, power_label(exponent)});
  }
  return out;
}

std::vector<int> labelled_layers(int layers, double step_pixels) {
  constexpr double kApart = 26;  // pixels between two labels
  int step = 1;
  for (const int candidate : {1, 2, 4, 5, 10, 20, 50, 100, 200, 500, 1000}) {
    step = candidate;
    if (candidate * step_pixels >= kApart) break;
  }
  std::vector<int> out;
  const int last = layers - 1;
  for (int layer = 0; layer < last; layer += step) {
    if ((last - layer) * step_pixels >= kApart * 0.8 || layer == 0) {
      out.push_back(layer);
    }
  }
  out.push_back(last);
  return out;
}

double draw_layer_axis(Svg& svg, const PlotArea& area, const LayerScale& scale,
                       std::string_view name) {
  svg.line(area.left, area.bottom(), area.right(), area.bottom(), kAxis);
  PathData notches;
  const int last = scale.layers() - 1;
  for (const int layer : labelled_layers(scale.layers(), scale.step())) {
    notches.move(scale.x(layer), area.bottom())
        .line(scale.x(layer), area.bottom() + 4);
    svg.label({.x = scale.x(layer),
               .y = area.bottom() + 16,
               .text = std::to_string(layer),
               .anchor = Anchor::kMiddle});
  }
  svg.path(notches, kAxis);
  const double below = area.bottom() + 29;
  svg.label({.x = scale.x(0) - (last > 0 ? 4 : 0),
             .y = below,
             .text = "embedding",
             .anchor = last > 0 ? Anchor::kLeft : Anchor::kMiddle,
             .size = 10.5,
             .attributes = kMuted});
  if (last > 0) {
    svg.label({.x = scale.x(last) + 4,
               .y = below,
               .text = "output",
               .anchor = Anchor::kRight,
               .size = 10.5,
               .attributes = kMuted});
  }
  if (!name.empty()) {
    svg.label({.x = area.left + area.width / 2,
               .y = below + 1,
               .text = name,
               .anchor = Anchor::kMiddle,
               .width = area.width - 150});
  }
  return below + 8;
}

void draw_value_axis(Svg& svg, const PlotArea& area, const ValueScale& scale,
                     const std::vector<Tick>& marks, std::string_view name,
                     double name_x) {
  PathData grid;
  for (const Tick& mark : marks) {
    const double y = scale.y(mark.value);
    grid.move(area.left, y).line(area.right(), y);
    svg.label({.x = area.left - 7,
               .y = y + 4,
               .text = mark.label,
               .anchor = Anchor::kRight});
  }
  svg.path(grid, kGrid);
  if (name.empty()) return;
  svg.open(fmt::format("transform=\"translate({} {})rotate(-90)\"",
                       number(name_x), number(area.top + area.height / 2)));
  svg.label(
      {.text = name, .anchor = Anchor::kMiddle, .width = area.height + 40});
  svg.close();
}

}  // namespace lens::analysis::figures
