#include "analysis/figures/curve_panel.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analysis/figures/check.h"
#include "analysis/figures/colour.h"

namespace lens::analysis::figures {
namespace {

constexpr double kMarkRow = 18;  // pixels a mark is high
constexpr double kPadding = 8;   // between the frame and the first layer

// Calls piece(begin, end) for each longest run of layers that have a value.
template <class Finite, class Piece>
void for_each_run(std::size_t layers, Finite finite, Piece piece) {
  for (std::size_t begin = 0; begin < layers;) {
    if (!finite(begin)) {
      ++begin;
      continue;
    }
    std::size_t end = begin + 1;
    while (end < layers && finite(end)) ++end;
    piece(begin, end);
    begin = end;
  }
}

struct Curve {
  PathData lines;
  PathData points;  // whose neighbours have no value
};

Curve curve(const std::vector<double>& value, const LayerScale& layers,
            const ValueScale& values) {
  Curve data;
  for_each_run(
      value.size(), [&](std::size_t i) { return std::isfinite(value[i]); },
      [&](std::size_t begin, std::size_t end) {
        const auto x = [&](std::size_t i) {
          return layers.x(static_cast<double>(i));
        };
        if (end == begin + 1) {
          data.points.box(x(begin) - 2, values.y(value[begin]) - 2, 4, 4);
          return;
        }
        data.lines.move(x(begin), values.y(value[begin]));
        for (std::size_t i = begin + 1; i < end; ++i) {
          data.lines.line(x(i), values.y(value[i]));
        }
      });
  return data;
}

PathData band(const CurveFigure::Line& line, const LayerScale& layers,
              const ValueScale& values) {
  PathData data;
  for_each_run(
      line.low.size(),
      [&](std::size_t i) {
        return std::isfinite(line.low[i]) && std::isfinite(line.high[i]);
      },
      [&](std::size_t begin, std::size_t end) {
        const auto x = [&](std::size_t i) {
          return layers.x(static_cast<double>(i));
        };
        if (end == begin + 1) {
          const double top = values.y(line.high[begin]);
          data.box(x(begin) - 3, top, 6, values.y(line.low[begin]) - top);
          return;
        }
        data.move(x(begin), values.y(line.high[begin]));
        for (std::size_t i = begin + 1; i < end; ++i) {
          data.line(x(i), values.y(line.high[i]));
        }
        for (std::size_t i = end; i-- > begin;) {
          data.line(x(i), values.y(line.low[i]));
        }
        data.close();
      });
  return data;
}

void draw_thin(Svg& svg, const CurveFigure& figure, const LayerScale& layers,
               const ValueScale& values) {
  if (figure.thin.empty()) return;
  // Many samples make a cloud, few stay lines.
  const double opacity =
      std::clamp(9.0 / static_cast<double>(figure.thin.size()), 0.06, 0.5);
  svg.open(fmt::format(
      "{} fill=\"none\" stroke-width=\".9\" stroke-linecap=\"round\""
      " stroke-opacity=\"{:.2f}\"",
      kAxis, opacity));
  for (const std::vector<double>& sample : figure.thin) {
    svg.path(curve(sample, layers, values).lines, "");
  }
  svg.close();
}

void draw_mark(Svg& svg, const CurveFigure::Mark& mark, double y,
               const PlotArea& area, const LayerScale& layers) {
  if (!std::isfinite(mark.layer)) return;
  const double last = layers.layers() - 1;
  const auto x = [&](double layer) {
    return layers.x(std::clamp(layer, 0.0, last));
  };
  const double at = x(mark.layer);
  const bool has_interval = std::isfinite(mark.low) &&
                            std::isfinite(mark.high) && mark.high > mark.low;
  const double low = has_interval ? x(mark.low) : at;
  const double high = has_interval ? x(mark.high) : at;
  open_line_colour(svg, mark.line);
  svg.line(at, y, at, area.bottom(),
           "stroke=\"currentColor\" stroke-dasharray=\"2 3\" "
           "stroke-opacity=\".8\"");
  if (has_interval) {
    svg.path(PathData()
                 .move(low, y - 4)
                 .line(low, y + 4)
                 .move(low, y)
                 .line(high, y)
                 .move(high, y - 4)
                 .line(high, y + 4),
             "stroke=\"currentColor\" stroke-width=\"1.6\" fill=\"none\"");
  }
  svg.raw(
      fmt::format("<circle cx=\"{}\" cy=\"{}\" r=\"3.6\" "
                  "fill=\"currentColor\"/>",
                  number(at), number(y)));
  svg.close();
  const bool room_right = high < area.left + area.width * 0.55;
  svg.label(
      {.x = room_right ? high + 9 : low - 9,
       .y = y + 4,
       .text = mark.label,
       .anchor = room_right ? Anchor::kLeft : Anchor::kRight,
       .width = room_right ? area.right() - high - 9 : low - 9 - area.left});
}

std::vector<Tick> value_ticks(const CurveFigure& figure, int count) {
  return figure.logarithmic
             ? logarithmic_ticks(figure.y_min, figure.y_max, count)
             : ticks(figure.y_min, figure.y_max, count);
}

}  // namespace

int layers_of(const CurveFigure& figure) {
  std::size_t longest = 1;
  for (const auto& line : figure.lines) {
    longest = std::max(longest, line.mean.size());
  }
  for (const auto& sample : figure.thin) {
    longest = std::max(longest, sample.size());
  }
  return static_cast<int>(longest);
}

void check_curves(std::string_view figure_name, const CurveFigure& figure) {
  check_range(figure_name, figure.y_min, figure.y_max);
  for (const CurveFigure::Line& line : figure.lines) {
    check_length(figure_name, "high", line.high.size(), line.low.size());
    if (line.low.empty()) continue;
    check_length(figure_name, "low", line.low.size(), line.mean.size());
  }
}

void draw_line(Svg& svg, const CurveFigure::Line& line, int index,
               std::string_view dashes, const LayerScale& layers,
               const ValueScale& values) {
  open_line_colour(svg, index);
  svg.path(band(line, layers, values),
           "fill=\"currentColor\" fill-opacity=\".16\"");
  std::string look =
      "fill=\"none\" stroke=\"currentColor\" stroke-width=\"2.2\" "
      "stroke-linejoin=\"round\" stroke-linecap=\"round\"";
  if (!dashes.empty()) {
    look += fmt::format(" stroke-dasharray=\"{}\"", dashes);
  }
  const Curve mean = curve(line.mean, layers, values);
  const std::string hover = visible_text(line.name, TextKind::kProse);
  svg.path(mean.lines, look, hover);
  svg.path(mean.points, "fill=\"currentColor\"", hover);
  svg.close();
}

std::vector<LegendEntry> line_legend(const CurveFigure& figure) {
  std::vector<LegendEntry> entries;
  for (std::size_t i = 0; i < figure.lines.size(); ++i) {
    if (figure.lines[i].name.empty()) continue;
    entries.push_back(
        {LegendEntry::Mark::kLine, static_cast<int>(i), figure.lines[i].name});
  }
  return entries;
}

double draw_curve_panel(Svg& svg, const CurveFigure& figure, double top,
                        double height, std::string_view layer_name) {
  const double strip = static_cast<double>(figure.marks.size()) * kMarkRow;
  const double left = kCurveFigureMargin + kCurveLabels;
  const PlotArea area{left, top + strip + 4,
                      kCurveFigureWidth - left - kCurveFigureMargin, height};
  const LayerScale layers(area, layers_of(figure), kPadding);
  const ValueScale values(area, figure.y_min, figure.y_max);
  draw_value_axis(svg, area, values, value_ticks(figure, 6), figure.y_label,
                  kCurveFigureMargin + 8);
  draw_thin(svg, figure, layers, values);
  double y = top + 6;
  for (const CurveFigure::Mark& mark : figure.marks) {
    draw_mark(svg, mark, y, area, layers);
    y += kMarkRow;
  }
  // The first line, the one most spoken of, lies on top.
  for (std::size_t i = figure.lines.size(); i-- > 0;) {
    const int index = static_cast<int>(i);
    draw_line(svg, figure.lines[i], index, dash(index), layers, values);
  }
  return draw_layer_axis(svg, area, layers, layer_name);
}

}  // namespace lens::analysis::figures
