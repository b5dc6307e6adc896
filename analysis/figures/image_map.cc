#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analysis/figures/check.h"
#include "analysis/figures/colour.h"
#include "analysis/figures/figures.h"
#include "analysis/figures/legend.h"
#include "analysis/figures/svg.h"
#include "base/error.h"

namespace lens::analysis::figures {
namespace {

constexpr double kMargin = 16;
constexpr double kLeastWidth = 600, kMostWidth = 1100;  // pixels of the figure
constexpr double kWantedCell = 54;  // pixels, so that a short token fits
constexpr double kCellText = 10;
constexpr double kOpacity = 0.62;  // the picture shows through

// A picture of another place would make the figure depend on it, and a script
// must not come in this way.
bool is_picture(std::string_view uri) {
  for (const std::string_view start :
       {"data:image/png;base64,", "data:image/jpeg;base64,",
        "data:image/webp;base64,"}) {
    if (uri.substr(0, start.size()) != start) continue;
    return uri.substr(start.size())
               .find_first_not_of(
                   "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqr"
                   "stuvwxyz0123456789+/=") == std::string_view::npos;
  }
  return false;
}

void check(const ImageMap& map) {
  if (map.rows < 0 || map.columns < 0 || map.picture_width <= 0 ||
      map.picture_height <= 0) {
    throw InputError(
        "cannot draw the image map",
        fmt::format("{} x {} cells over {} x {} pixels", map.rows, map.columns,
                    map.picture_height, map.picture_width),
        "give the sizes of the grid and of the picture");
  }
  const std::size_t cells = static_cast<std::size_t>(map.rows) *
                            static_cast<std::size_t>(map.columns);
  check_length("image map", "value", map.value.size(), cells);
  if (!map.cell_text.empty()) {
    check_length("image map", "cell_text", map.cell_text.size(), cells);
  }
  if (map.scale == HeatMap::Scale::kEntropy) {
    check_range("image map", 0, map.largest_entropy);
  }
  if (!map.picture_uri.empty() && !is_picture(map.picture_uri)) {
    throw InputError("cannot draw the image map",
                     "the picture is no base64 data: URI of PNG, JPEG or WebP",
                     "give one, or none");
  }
}

std::string described(const ImageMap& map) {
  return fmt::format(
      "{} x {} image tokens laid over the picture; each cell's colour is the "
      "{} of the layer at that token, its text the layer's top token.",
      map.rows, map.columns,
      map.scale == HeatMap::Scale::kEntropy ? "entropy" : "probability");
}

class ImageMapWriter {
 public:
  explicit ImageMapWriter(const ImageMap& map)
      : map_(map), svg_("image-map", map.title, described(map)) {}

  std::string write() {
    const double scale = picture_scale();
    width_ = map_.picture_width * scale;
    height_ = map_.picture_height * scale;
    const double page = std::max(width_ + 2 * kMargin, kLeastWidth);
    top_ =
        draw_head(svg_, map_.title, map_.subtitle, kMargin, page - 2 * kMargin);
    top_ = draw_scale(page - 2 * kMargin) + 4;
    if (map_.picture_uri.empty()) {
      svg_.label({.x = kMargin,
                  .y = top_ + 8,
                  .text = "the picture is not there; only the grid is shown",
                  .attributes = kMuted});
      top_ += 18;
    }
    draw_picture();
    draw_cells();
    return svg_.finish(page, top_ + height_ + kMargin);
  }

 private:
  // Enlarged until a cell holds a short text, within the width of a page.
  double picture_scale() const {
    if (map_.columns == 0) return 1;
    const double cell = static_cast<double>(map_.picture_width) / map_.columns;
    const double most = (kMostWidth - 2 * kMargin) / map_.picture_width;
    return std::min(most, std::max(1.0, kWantedCell / cell));
  }

  double draw_scale(double width) {
    ColourBar bar;
    bar.scale = map_.scale;
    bar.largest_entropy = map_.largest_entropy;
    bar.opacity = map_.picture_uri.empty() ? 1 : kOpacity;
    bar.has_gaps =
        std::any_of(map_.value.begin(), map_.value.end(),
                    [](double value) { return !std::isfinite(value); });
    return draw_colour_bar(svg_, bar, kMargin, top_ + 2, width);
  }

  void draw_picture() {
    if (map_.picture_uri.empty()) {
      svg_.rect(kMargin, top_, width_, height_, kBlank);
      return;
    }
    svg_.raw(
        fmt::format("<image x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" "
                    "preserveAspectRatio=\"none\" href=\"{}\"/>",
                    number(kMargin), number(top_), number(width_),
                    number(height_), map_.picture_uri));
  }

  void draw_cells() {
    const bool over = !map_.picture_uri.empty();
    svg_.open(
        fmt::format("stroke=\"#fff\" stroke-width=\".5\" "
                    "stroke-opacity=\".5\"{}",
                    over ? fmt::format(" fill-opacity=\"{:.2f}\"", kOpacity)
                         : std::string()));
    for (int cell = 0; cell < map_.rows * map_.columns; ++cell) {
      draw_cell(cell);
    }
    svg_.close();
    gaps_.draw(svg_);
    // Over a picture, dark letters with a light rim are read everywhere.
    svg_.open(fmt::format(
        "text-anchor=\"middle\" font-size=\"{}\" pointer-events=\"none\"{}",
        number(kCellText),
        over ? " fill=\"#000\" stroke=\"#fff\" stroke-width=\"2.2\" "
               "stroke-opacity=\".8\" stroke-linejoin=\"round\" "
               "paint-order=\"stroke\""
             : ""));
    svg_.raw(texts_);
    svg_.close();
  }

  void draw_cell(int cell) {
    const auto at = static_cast<std::size_t>(cell);
    const double wide = width_ / map_.columns, high = height_ / map_.rows;
    const double x = kMargin + cell % map_.columns * wide;
    const double y = top_ + cell / map_.columns * high;
    const double value = map_.value[at];
    if (!std::isfinite(value)) {
      gaps_.add(x, y, wide, high);
      return;
    }
    const std::string whole =
        map_.cell_text.empty()
            ? ""
            : visible_text(map_.cell_text[at], TextKind::kToken);
    const bool entropy = map_.scale == HeatMap::Scale::kEntropy;
    const std::string colour = scale_colour(
        map_.scale, entropy ? value / map_.largest_entropy : value);
    svg_.rect(x, y, wide, high, fmt::format("fill=\"{}\"", colour),
              fmt::format("{}\nrow {}, column {}, {}{:.3g}{}", whole,
                          cell / map_.columns, cell % map_.columns,
                          entropy ? "" : "p ", value, entropy ? " nats" : ""));
    if (wide < 1.6 * kCellText || high < 1.2 * kCellText) return;
    std::string look = right_to_left(whole) ? " direction=\"rtl\"" : "";
    if (map_.picture_uri.empty()) {
      look += fmt::format(" fill=\"{}\"", ink_on(colour));
    }
    add_text(whole, x + wide / 2, y + high / 2, wide, look);
  }

  void add_text(const std::string& whole, double x, double y, double wide,
                const std::string& look) {
    if (whole.empty()) return;
    texts_ += fmt::format("<text x=\"{}\" y=\"{}\"{}>{}</text>", number(x),
                          number(y + 0.36 * kCellText), look,
                          xml_text(shorten(whole, (wide - 3) / kCellText)));
  }

  const ImageMap& map_;
  Svg svg_;
  Gaps gaps_;
  std::string texts_;
  double width_ = 0, height_ = 0;  // pixels of the picture as drawn
  double top_ = 0;
};

}  // namespace

std::string image_map_svg(const ImageMap& map) {
  check(map);
  return ImageMapWriter(map).write();
}

}  // namespace lens::analysis::figures
