#include "analysis/view/terminal_colour.h"

#include <fmt/format.h>

#include <charconv>
#include <string_view>

#include "analysis/figures/colour.h"

namespace lens::analysis::view {
namespace {

// "253;231;37" of "#fde725".
std::string decimal_parts(std::string_view colour) {
  int rgb = 0;
  std::from_chars(colour.data() + 1, colour.data() + colour.size(), rgb, 16);
  return fmt::format("{};{};{}", rgb >> 16, rgb >> 8 & 255, rgb & 255);
}

}  // namespace

std::string cell_colour(figures::HeatMap::Scale scale, double share,
                        bool match) {
  const std::string background = figures::scale_colour(scale, share);
  return fmt::format("\x1b[0;{}38;2;{};48;2;{}m", match ? "1;4;" : "",
                     decimal_parts(figures::ink_on(background)),
                     decimal_parts(background));
}

}  // namespace lens::analysis::view
