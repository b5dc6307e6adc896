#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analysis/figures/check.h"
#include "analysis/figures/colour.h"
#include "analysis/figures/figures.h"
#include "analysis/figures/legend.h"
#include "analysis/figures/scale.h"

namespace lens::analysis::figures {
namespace {

using Panel = StackFigure::Panel;

constexpr double kMargin = 16, kLabels = 40, kGap = 26;  // pixels
constexpr double kName = 22;                             // above each panel
constexpr double kListed = 0.001;  // parts below it everywhere are only named

int layers_of(const StackFigure& figure) {
  std::size_t layers = 1;
  for (const Panel& panel : figure.panels) {
    layers = std::max(layers, panel.share.size() / figure.parts.size());
  }
  return static_cast<int>(layers);
}

void check(const StackFigure& figure) {
  for (const Panel& panel : figure.panels) {
    const std::size_t parts = std::max<std::size_t>(figure.parts.size(), 1);
    check_length("stack", "share", panel.share.size() % parts, 0);
    if (figure.parts.empty()) {
      check_length("stack", "share", panel.share.size(), 0);
    }
  }
}

// Where each part begins: [layer, part + 1] from 0. NaN throughout a layer that
// lacks a value.
class Edges {
 public:
  Edges(const Panel& panel, std::size_t parts)
      : parts_(parts), layers_(panel.share.size() / parts) {
    for (std::size_t layer = 0; layer < layers_; ++layer) {
      double sum = 0;
      for (std::size_t part = 0; part < parts; ++part) {
        sum += panel.share[layer * parts + part];
      }
      double edge = std::isfinite(sum) ? 0 : std::nan("");
      edge_.push_back(edge);
      for (std::size_t part = 0; part < parts; ++part) {
        edge += panel.share[layer * parts + part];
        edge_.push_back(edge);
      }
    }
  }

  std::size_t layers() const { return layers_; }
  double operator()(std::size_t layer, std::size_t part) const {
    return edge_[layer * (parts_ + 1) + part];
  }
  bool has(std::size_t layer) const { return std::isfinite((*this)(layer, 0)); }

 private:
  std::size_t parts_, layers_;
  std::vector<double> edge_;
};

class PanelWriter {
 public:
  PanelWriter(Svg& svg, const StackFigure& figure, const Panel& panel,
              const PlotArea& area)
      : svg_(svg),
        figure_(figure),
        area_(area),
        edges_(panel, figure.parts.size()),
        layers_(area, layers_of(figure)),
        values_(area, 0, 1) {}

  void draw() {
    Gaps gaps;
    for (std::size_t layer = 0; layer < edges_.layers(); ++layer) {
      if (edges_.has(layer)) continue;
      const double left = std::max(area_.left, x(layer) - layers_.step() / 2);
      const double right =
          std::min(area_.right(), x(layer) + layers_.step() / 2);
      gaps.add(left, area_.top, right - left, area_.height);
    }
    gaps.draw(svg_);
    // A white line parts neighbours, also in a print in grey.
    svg_.open("class=\"lens-seam\" stroke=\"#fff\" stroke-width=\".6\"");
    for (std::size_t part = 0; part < figure_.parts.size(); ++part) {
      const int index = static_cast<int>(part);
      svg_.path(area_of(part), fmt::format("fill=\"{}\"", part_colour(index)),
                visible_text(figure_.parts[part], TextKind::kProse));
    }
    svg_.close();
    for (std::size_t part = 0; part < figure_.parts.size(); ++part) {
      draw_name(part);
    }
  }

 private:
  double x(std::size_t layer) const {
    return layers_.x(static_cast<double>(layer));
  }

  PathData area_of(std::size_t part) const {
    PathData data;
    double largest = 0;
    for (std::size_t begin = 0; begin < edges_.layers();) {
      if (!edges_.has(begin)) {
        ++begin;
        continue;
      }
      std::size_t end = begin;
      while (end < edges_.layers() && edges_.has(end)) {
        largest = std::max(largest, edges_(end, part + 1) - edges_(end, part));
        ++end;
      }
      append_run(data, part, begin, end);
      begin = end;
    }
    return largest > 0 ? data : PathData();
  }

  void append_run(PathData& data, std::size_t part, std::size_t begin,
                  std::size_t end) const {
    if (end == begin + 1) {
      const double half = layers_.step() / 2;
      const double left = std::max(area_.left, x(begin) - half);
      const double right = std::min(area_.right(), x(begin) + half);
      const double top = values_.y(edges_(begin, part + 1));
      data.box(left, top, right - left, values_.y(edges_(begin, part)) - top);
      return;
    }
    data.move(x(begin), values_.y(edges_(begin, part + 1)));
    for (std::size_t layer = begin + 1; layer < end; ++layer) {
      data.line(x(layer), values_.y(edges_(layer, part + 1)));
    }
    for (std::size_t layer = end; layer-- > begin;) {
      data.line(x(layer), values_.y(edges_(layer, part)));
    }
    data.close();
  }

  // The name inside the part, at the layer where it has most room; nowhere
  // where it has too little.
  void draw_name(std::size_t part) {
    constexpr double kSize = 10.5;
    const std::string name =
        visible_text(figure_.parts[part], TextKind::kProse);
    const double half = (kSize * text_width(name) * 1.08 + 4) / 2;
    double best = kSize + 3, best_x = 0, best_y = 0;
    for (std::size_t layer = 0; layer < edges_.layers(); ++layer) {
      const double at = x(layer);
      if (at - half < area_.left || at + half > area_.right()) continue;
      // The name lies over all layers that it reaches: what they leave together
      // is its room.
      double top = area_.top, bottom = area_.bottom();
      for (std::size_t near = 0; near < edges_.layers(); ++near) {
        const double far = std::abs(x(near) - at) - layers_.step();
        if (far >= half) continue;
        // NaN edges leave no room.
        if (!edges_.has(near)) bottom = top;
        top = std::max(top, values_.y(edges_(near, part + 1)));
        bottom = std::min(bottom, values_.y(edges_(near, part)));
      }
      if (bottom - top > best) {
        best = bottom - top;
        best_x = at;
        best_y = (top + bottom) / 2;
      }
    }
    if (best_x == 0) return;
    const std::string ink = ink_on(part_colour(static_cast<int>(part)));
    svg_.label(
        {.x = best_x,
         .y = best_y + 0.36 * kSize,
         .text = name,
         .anchor = Anchor::kMiddle,
         .size = kSize,
         .attributes = ink == "#ffffff" ? "fill=\"#fff\"" : "fill=\"#000\""});
  }

  Svg& svg_;
  const StackFigure& figure_;
  PlotArea area_;
  Edges edges_;
  LayerScale layers_;
  ValueScale values_;
};

// Largest share of each part in any panel and layer.
std::vector<double> largest_shares(const StackFigure& figure) {
  std::vector<double> largest(figure.parts.size(), 0);
  for (const Panel& panel : figure.panels) {
    for (std::size_t i = 0; i < panel.share.size(); ++i) {
      if (!std::isfinite(panel.share[i])) continue;
      double& part = largest[i % figure.parts.size()];
      part = std::max(part, panel.share[i]);
    }
  }
  return largest;
}

double draw_parts(Svg& svg, const StackFigure& figure, double y, double width) {
  const std::vector<double> largest = largest_shares(figure);
  std::vector<LegendEntry> entries;
  std::string rare;
  for (std::size_t part = 0; part < figure.parts.size(); ++part) {
    if (largest[part] >= kListed) {
      entries.push_back({LegendEntry::Mark::kBox, static_cast<int>(part),
                         figure.parts[part]});
    } else {
      rare += (rare.empty() ? "" : ", ") + figure.parts[part];
    }
  }
  y = draw_legend(svg, entries, kMargin, y, width);
  if (rare.empty()) return y;
  svg.label({.x = kMargin,
             .y = y + 10,
             .text = "below 0.1 % everywhere: " + rare,
             .size = 11,
             .width = width,
             .attributes = kMuted});
  return y + 20;
}

struct Arrangement {
  std::size_t columns;
  double width, height;  // of the plot of one panel
};

Arrangement arrangement(std::size_t panels) {
  if (panels <= 1) return {1, 620, 280};
  if (panels <= 4) return {2, 300, 170};
  return {3, 236, 140};
}

void draw_panel(Svg& svg, const StackFigure& figure, const Panel& panel,
                const PlotArea& area, bool first_column) {
  svg.label({.x = area.left,
             .y = area.top - 7,
             .text = panel.name,
             .width = area.width / 1.06,
             .attributes = "font-weight=\"600\""});
  if (panel.share.empty()) {
    Gaps gaps;
    gaps.add(area.left, area.top, area.width, area.height);
    gaps.draw(svg);
  }
  std::vector<Tick> marks;
  for (const double value : {0.0, 0.5, 1.0}) {
    marks.push_back(
        {value, first_column ? fmt::format("{:.0f} %", 100 * value) : ""});
  }
  draw_value_axis(svg, area, ValueScale(area, 0, 1), marks, "", 0);
  PanelWriter(svg, figure, panel, area).draw();
  draw_layer_axis(svg, area, LayerScale(area, layers_of(figure)),
                  area.width > 250 ? "layer" : "");
}

std::string described(const StackFigure& figure) {
  std::string text = "Shares by layer, stacked from below:";
  for (const std::string& part : figure.parts) text += " " + part + ",";
  text.back() = '.';
  text += " Panels:";
  for (const Panel& panel : figure.panels) text += " " + panel.name + ",";
  text.back() = '.';
  return text;
}

}  // namespace

std::string stack_svg(const StackFigure& figure) {
  using namespace figures;
  check(figure);
  const auto [columns, width, height] = arrangement(figure.panels.size());
  const auto count = static_cast<double>(columns);
  const double inner = kLabels + count * width + (count - 1) * kGap;
  Svg svg("stack", figure.title, described(figure));
  double y = draw_head(svg, figure.title, figure.subtitle, kMargin, inner);
  if (figure.panels.empty() || figure.parts.empty()) {
    svg.label({.x = kMargin,
               .y = y + 14,
               .text = "no groups: there is nothing "
                       "to draw"});
    return svg.finish(inner + 2 * kMargin, y + 30);
  }
  y = draw_parts(svg, figure, y, inner);
  const double row = kName + height + 44;
  for (std::size_t i = 0; i < figure.panels.size(); ++i) {
    const auto column = static_cast<double>(i % columns);
    const auto line = static_cast<double>(i / columns);
    const PlotArea area{kMargin + kLabels + column * (width + kGap),
                        y + kName + line * row, width, height};
    draw_panel(svg, figure, figure.panels[i], area, i % columns == 0);
  }
  const std::size_t rows = (figure.panels.size() + columns - 1) / columns;
  return svg.finish(inner + 2 * kMargin,
                    y + static_cast<double>(rows) * row + 4);
}

}  // namespace lens::analysis::figures
