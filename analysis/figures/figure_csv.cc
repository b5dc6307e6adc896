#include "analysis/figures/figure_csv.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <string_view>

namespace lens::analysis::figures {
namespace {

std::string field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
    return std::string(text);
  }
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

std::string field(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Inf" : "-Inf";
  return fmt::format("{}", value);
}

// A record of fields that are text already.
template <class... Fields>
void append(std::string& out, const Fields&... fields) {
  std::string_view comma;
  ((out.append(comma).append(fields), comma = ","), ...);
  out += '\n';
}

std::string_view value_name(HeatMap::Scale scale) {
  return scale == HeatMap::Scale::kEntropy ? "entropy" : "probability";
}

constexpr std::string_view kCurveHeader = "kind,name,layer,value,low,high\n";

void append_line(std::string& out, std::string_view kind,
                 const CurveFigure::Line& line) {
  for (std::size_t layer = 0; layer < line.mean.size(); ++layer) {
    const bool band = layer < line.low.size() && layer < line.high.size();
    append(out, std::string(kind), field(line.name), std::to_string(layer),
           field(line.mean[layer]), band ? field(line.low[layer]) : "",
           band ? field(line.high[layer]) : "");
  }
}

void append_curves(std::string& out, const CurveFigure& figure) {
  for (const auto& line : figure.lines) append_line(out, "line", line);
  for (std::size_t sample = 0; sample < figure.thin.size(); ++sample) {
    append_line(out, "sample",
                {std::to_string(sample), figure.thin[sample], {}, {}});
  }
  for (const CurveFigure::Mark& mark : figure.marks) {
    append(out, std::string("mark"), field(mark.label), field(mark.layer),
           std::string(), field(mark.low), field(mark.high));
  }
}

}  // namespace

std::string heat_map_csv(const HeatMap& map) {
  std::string out = fmt::format("token,token_text,layer,top_text,{},match\n",
                                value_name(map.scale));
  std::size_t at = 0;
  for (std::size_t token = 0; token < map.tokens.size(); ++token) {
    for (int layer = 0; layer < map.layers; ++layer, ++at) {
      append(out, std::to_string(token), field(map.tokens[token]),
             std::to_string(layer), field(map.cell_text.at(at)),
             field(map.value.at(at)),
             std::string(map.match.at(at) != 0 ? "1" : "0"));
    }
  }
  return out;
}

std::string curves_csv(const CurveFigure& figure) {
  std::string out(kCurveHeader);
  append_curves(out, figure);
  return out;
}

std::string comparison_csv(const ComparisonFigure& figure) {
  std::string out(kCurveHeader);
  append_curves(out, figure.curves);
  append_line(out, "difference", figure.difference);
  return out;
}

std::string histogram_csv(const HistogramFigure& figure) {
  std::string out = "series,layer,count\n";
  for (const HistogramFigure::Series& series : figure.series) {
    for (std::size_t layer = 0; layer < series.count.size(); ++layer) {
      append(out, field(series.name), std::to_string(layer),
             std::to_string(series.count[layer]));
    }
    append(out, field(series.name), std::string(),
           std::to_string(series.without));
  }
  return out;
}

std::string stack_csv(const StackFigure& figure) {
  std::string out = "panel,layer,part,share\n";
  for (const StackFigure::Panel& panel : figure.panels) {
    for (std::size_t i = 0; i < panel.share.size(); ++i) {
      append(out, field(panel.name), std::to_string(i / figure.parts.size()),
             field(figure.parts[i % figure.parts.size()]),
             field(panel.share[i]));
    }
  }
  return out;
}

std::string image_map_csv(const ImageMap& map) {
  std::string out =
      fmt::format("row,column,top_text,{}\n", value_name(map.scale));
  for (std::size_t cell = 0; cell < map.value.size(); ++cell) {
    const auto columns = static_cast<std::size_t>(map.columns);
    append(out, std::to_string(cell / columns), std::to_string(cell % columns),
           map.cell_text.empty() ? "" : field(map.cell_text.at(cell)),
           field(map.value[cell]));
  }
  return out;
}

}  // namespace lens::analysis::figures
