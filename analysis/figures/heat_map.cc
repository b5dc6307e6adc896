#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "analysis/figures/check.h"
#include "analysis/figures/colour.h"
#include "analysis/figures/figures.h"
#include "analysis/figures/legend.h"
#include "analysis/figures/svg.h"

namespace lens::analysis::figures {
namespace {

constexpr double kMargin = 16;
constexpr double kRow = 19;       // pixels a layer is high
constexpr double kCellText = 11;  // font size
constexpr double kCellPadding = 3;
constexpr double kNarrowest = 26, kWidest = 66;  // pixels of a column
constexpr double kLabels = 96;  // left of the cells: "28", "output"
constexpr double kLeastWidth = 620;
constexpr double kBase = 13;  // base line of the text in its row
constexpr double kBoldWider = 1.05;
constexpr int kLabelsOnBothSides = 12;  // from so many tokens

struct Layout {
  double cell = 0;  // pixels a token is wide
  double left = 0, top = 0, right = 0, bottom = 0;
  int layers = 0;

  double x(std::size_t token) const {
    return left + static_cast<double>(token) * cell;
  }
  double y(int layer) const { return top + (layers - 1 - layer) * kRow; }
};

void check(const HeatMap& map) {
  const std::size_t cells =
      map.tokens.size() * static_cast<std::size_t>(std::max(map.layers, 0));
  check_length("heat map", "cell_text", map.cell_text.size(), cells);
  check_length("heat map", "value", map.value.size(), cells);
  check_length("heat map", "match", map.match.size(), cells);
  if (map.scale == HeatMap::Scale::kEntropy) {
    check_range("heat map", 0, map.largest_entropy);
  }
}

// Nine of ten texts fit, within bounds.
double column_width(const HeatMap& map) {
  std::vector<double> widths;
  widths.reserve(map.cell_text.size());
  const auto pixels = [](const std::string& text) {
    return kCellText * text_width(visible_text(text, TextKind::kToken));
  };
  for (const std::string& text : map.cell_text) widths.push_back(pixels(text));
  double fits = kNarrowest;
  if (!widths.empty()) {
    const auto at = widths.begin() +
                    static_cast<std::ptrdiff_t>((widths.size() - 1) * 9 / 10);
    std::nth_element(widths.begin(), at, widths.end());
    fits = *at;
  }
  double longest = 0;
  for (const std::string& token : map.tokens) {
    longest = std::max(longest, kBoldWider * pixels(token));
  }
  fits = std::max(fits, std::min(longest, kWidest * 0.8));
  return std::ceil(
      std::clamp(fits + 2 * kCellPadding + 1, kNarrowest, kWidest));
}

std::string described(const HeatMap& map) {
  const bool entropy = map.scale == HeatMap::Scale::kEntropy;
  return fmt::format(
      "Heat map of {} tokens (columns) by {} layers (rows, the embedding at "
      "the bottom, the output on top). Each cell names the layer's top token; "
      "its colour is {}. A red frame: it equals the emitted token.",
      map.tokens.size(), map.layers,
      entropy
          ? fmt::format("the entropy, 0 to {:.2f} nats", map.largest_entropy)
          : std::string("the probability, 0 to 1"));
}

class HeatMapWriter {
 public:
  explicit HeatMapWriter(const HeatMap& map)
      : map_(map), svg_("heat-map", map.title, described(map)) {}

  std::string write() {
    layout();
    for (int layer = place_.layers - 1; layer >= 0; --layer) draw_row(layer);
    gaps_.draw(svg_);
    draw_frames(svg_, frames_);
    draw_tokens();
    draw_layers();
    return svg_.finish(width_, place_.bottom + 44);
  }

 private:
  void layout() {
    const bool both =
        map_.tokens.size() >= static_cast<std::size_t>(kLabelsOnBothSides);
    place_.cell = column_width(map_);
    // Without tokens there are no rows.
    place_.layers = map_.tokens.empty() ? 0 : map_.layers;
    place_.left = kMargin + kLabels;
    place_.right = place_.x(map_.tokens.size());
    width_ = std::max(place_.right + kMargin + (both ? kLabels - 24 : 0),
                      kLeastWidth);
    labels_right_ = both;
    // What is read first must be seen without scrolling.
    const double head = std::min(width_, 900.0) - 2 * kMargin;
    double y = draw_head(svg_, map_.title, map_.subtitle, kMargin, head);
    ColourBar bar;
    bar.scale = map_.scale;
    bar.largest_entropy = map_.largest_entropy;
    bar.has_gaps =
        std::any_of(map_.value.begin(), map_.value.end(),
                    [](double value) { return !std::isfinite(value); });
    bar.match_meaning = "top token is the emitted one";
    y = draw_colour_bar(svg_, bar, kMargin, y + 2, head);
    place_.top = y + 26;
    place_.bottom = place_.top + place_.layers * kRow;
  }

  double share(double value) const {
    return map_.scale == HeatMap::Scale::kEntropy ? value / map_.largest_entropy
                                                  : value;
  }

  void draw_row(int layer) {
    // The base line of the row's text is its y = 0.
    svg_.open(fmt::format("transform=\"translate(0 {})\"",
                          number(place_.y(layer) + kBase)));
    // Gathered by colour and weight: these attributes stand once a row instead
    // of in each of thousands of cells.
    texts_ = {};
    for (std::size_t token = 0; token < map_.tokens.size(); ++token) {
      draw_cell(token, layer);
    }
    // The pointer meets the cells through their texts.
    svg_.open(fmt::format(
        "text-anchor=\"middle\" font-size=\"{}\" pointer-events=\"none\"",
        number(kCellText)));
    static constexpr std::array<std::string_view, 4> kLooks = {
        "fill=\"#000\"", "fill=\"#fff\"", "fill=\"#000\" font-weight=\"600\"",
        "fill=\"#fff\" font-weight=\"600\""};
    for (std::size_t look = 0; look < kLooks.size(); ++look) {
      if (texts_[look].empty()) continue;
      svg_.open(kLooks[look]);
      svg_.raw(texts_[look]);
      svg_.close();
    }
    svg_.close();
    svg_.close();
  }

  void draw_cell(std::size_t token, int layer) {
    const std::size_t at = token * static_cast<std::size_t>(map_.layers) +
                           static_cast<std::size_t>(layer);
    const double x = place_.x(token), value = map_.value[at];
    if (!std::isfinite(value)) {
      gaps_.add(x, place_.y(layer), place_.cell - 1, kRow - 1);
      return;
    }
    const std::string colour = scale_colour(map_.scale, share(value));
    const std::string whole =
        visible_text(map_.cell_text[at], TextKind::kToken);
    const bool match = map_.match[at] != 0;
    svg_.rect(x, -kBase, place_.cell - 1, kRow - 1,
              fmt::format("fill=\"{}\"", colour),
              fmt::format("{}\nlayer {}, {}", whole, layer,
                          map_.scale == HeatMap::Scale::kEntropy
                              ? fmt::format("{:.3g} nats", value)
                              : fmt::format("p {:.3g}", value)));
    add_text(whole, x, ink_on(colour) == "#ffffff", match);
    if (match) {
      frames_.box(x + 1, place_.y(layer) + 1, place_.cell - 3, kRow - 3);
    }
  }

  void add_text(const std::string& whole, double x, bool white, bool bold) {
    if (whole.empty()) return;
    const double room = (place_.cell - 1 - kCellPadding) / kCellText;
    texts_[(white ? 1u : 0u) + (bold ? 2u : 0u)] += fmt::format(
        "<text x=\"{}\"{}>{}</text>", number(x + (place_.cell - 1) / 2),
        right_to_left(whole) ? " direction=\"rtl\"" : "",
        xml_text(shorten(whole, bold ? room / kBoldWider : room)));
  }

  void draw_tokens() {
    for (std::size_t token = 0; token < map_.tokens.size(); ++token) {
      const double middle = place_.x(token) + (place_.cell - 1) / 2;
      svg_.label({.x = middle,
                  .y = place_.top - 7,
                  .text = map_.tokens[token],
                  .kind = TextKind::kToken,
                  .anchor = Anchor::kMiddle,
                  .size = kCellText,
                  .width = (place_.cell - 2) / kBoldWider,
                  .attributes = "font-weight=\"600\""});
      svg_.label({.x = middle,
                  .y = place_.bottom + 13,
                  .text = std::to_string(token),
                  .anchor = Anchor::kMiddle,
                  .size = 10,
                  .attributes = kMuted});
    }
    if (map_.tokens.empty()) {
      svg_.label({.x = kMargin,
                  .y = place_.top + 6,
                  .text = "no tokens: there is nothing to draw"});
      return;
    }
    svg_.label({.x = place_.left - 8,
                .y = place_.top - 7,
                .text = "emitted",
                .anchor = Anchor::kRight,
                .size = kCellText,
                .attributes = kMuted});
    svg_.label({.x = place_.left, .y = place_.bottom + 31, .text = "token"});
  }

  void draw_layers() {
    for (int layer = 0; layer < place_.layers; ++layer) {
      const double y = place_.y(layer) + kBase;
      const std::string name = layer == 0                 ? "embedding"
                               : layer == map_.layers - 1 ? "output"
                                                          : "";
      const std::string index = std::to_string(layer);
      const double left = place_.left - 8;
      svg_.label({.x = left,
                  .y = y,
                  .text = index,
                  .anchor = Anchor::kRight,
                  .size = kCellText});
      svg_.label({.x = left - 18,
                  .y = y,
                  .text = name,
                  .anchor = Anchor::kRight,
                  .size = 10.5,
                  .attributes = kMuted});
      if (!labels_right_) continue;
      svg_.label(
          {.x = place_.right + 6, .y = y, .text = index, .size = kCellText});
      svg_.label({.x = place_.right + 22,
                  .y = y,
                  .text = name,
                  .size = 10.5,
                  .attributes = kMuted});
    }
    if (place_.layers < 6) return;
    svg_.open(fmt::format("transform=\"translate({} {})rotate(-90)\"",
                          number(kMargin + 11),
                          number((place_.top + place_.bottom) / 2)));
    svg_.label({.text = "layer", .anchor = Anchor::kMiddle});
    svg_.close();
  }

  const HeatMap& map_;
  Svg svg_;
  Layout place_;
  Gaps gaps_;
  PathData frames_;
  std::array<std::string, 4> texts_;  // of a row, by ink and weight
  double width_ = 0;
  bool labels_right_ = false;
};

}  // namespace

std::string heat_map_svg(const HeatMap& map) {
  check(map);
  return HeatMapWriter(map).write();
}

}  // namespace lens::analysis::figures
