#include "analysis/figures/colour.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <span>

namespace lens::analysis::figures {
namespace {

struct Rgb {
  double red = 0, green = 0, blue = 0;  // 0..1, sRGB
};

// Every 15th entry of viridis by Smith, van der Walt and Firing (matplotlib,
// released as CC0), from its dark end. Lines between them are off by less than
// a hundredth.
constexpr std::array<std::string_view, 18> kViridis = {
    "#440154", "#481769", "#472a7a", "#433d84", "#3d4e8a", "#355e8d",
    "#2e6d8e", "#297b8e", "#23898e", "#1f978b", "#21a585", "#2eb37c",
    "#46c06f", "#65cb5e", "#89d548", "#b0dd2f", "#d8e219", "#fde725"};

// Own: lightness falls in a straight line in OKLab, 0.975 to 0.27; (a, b) run
// on a quadratic Bezier curve through chroma and hue (0.03, 95 deg), (0.17,
// 225 deg), (0.12, 268 deg). No red or green, so it is the same to all eyes.
constexpr std::array<std::string_view, 9> kIvoryToNavy = {
    "#fdf7e1", "#c5e0de", "#92c7d6", "#64adcb", "#3b91bb",
    "#1474a8", "#005892", "#003a7a", "#0f1c60"};

// Okabe and Ito, "Color Universal Design" (2008), those first that are read
// best on white. Their yellow cannot be read there: indigo of Tol, "Colour
// Schemes" (2021), stands for it.
constexpr std::array<std::string_view, 8> kLines = {
    "#0072b2", "#d55e00", "#009e73", "#cc79a7",
    "#e69f00", "#56b4e9", "#000000", "#332288"};

// As fills: the same without black, then yellow, greys and colours of Tol for
// what comes in small amounts.
constexpr std::array<std::string_view, 16> kParts = {
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9",
    "#332288", "#f0e442", "#7f7f7f", "#bdbdbd", "#882255", "#d8c9a8",
    "#000000", "#e4e4e4", "#117733", "#999933"};

constexpr std::array<std::string_view, 8> kDashes = {
    "", "8 3", "2 2.5", "10 3 2 3", "4.5 2.5", "14 3", "10 3 2 2 2 3", "1 4"};

constexpr std::string_view kNoValueColour = "#f0f0f0";

Rgb parse(std::string_view colour) {
  const auto part = [&](std::size_t at) {
    const std::string digits(colour.substr(at, 2));
    return static_cast<double>(std::strtol(digits.c_str(), nullptr, 16)) / 255;
  };
  return {part(1), part(3), part(5)};
}

std::string hex(const Rgb& rgb) {
  const auto part = [](double value) {
    return static_cast<int>(std::lround(std::clamp(value, 0.0, 1.0) * 255));
  };
  return fmt::format("#{:02x}{:02x}{:02x}", part(rgb.red), part(rgb.green),
                     part(rgb.blue));
}

double luminance(const Rgb& rgb) {
  const auto linear = [](double value) {
    return value <= 0.04045 ? value / 12.92
                            : std::pow((value + 0.055) / 1.055, 2.4);
  };
  return 0.2126 * linear(rgb.red) + 0.7152 * linear(rgb.green) +
         0.0722 * linear(rgb.blue);
}

std::string between(std::span<const std::string_view> points, double share) {
  const double at =
      std::clamp(share, 0.0, 1.0) * static_cast<double>(points.size() - 1);
  const auto first = std::min(static_cast<std::size_t>(at), points.size() - 2);
  return mix(points[first], points[first + 1], at - static_cast<double>(first));
}

int wrapped(int index, int count) { return ((index % count) + count) % count; }

}  // namespace

std::string mix(std::string_view from, std::string_view to, double share) {
  const Rgb a = parse(from), b = parse(to);
  const auto step = [&](double x, double y) { return x + (y - x) * share; };
  return hex(
      {step(a.red, b.red), step(a.green, b.green), step(a.blue, b.blue)});
}

std::string ink_on(std::string_view colour) {
  // Contrast with white (1.05 / (Y + .05)) and black ((Y + .05) / .05) is
  // equal at Y = 0.179.
  return luminance(parse(colour)) > 0.179 ? "#000000" : "#ffffff";
}

std::string part_colour(int index) {
  return std::string(kParts[static_cast<std::size_t>(wrapped(index, 16))]);
}

std::string_view dash(int index) {
  return kDashes[static_cast<std::size_t>(wrapped(index + index / 8, 8))];
}

std::string scale_colour(HeatMap::Scale scale, double share) {
  if (std::isnan(share)) return std::string(kNoValueColour);
  return scale == HeatMap::Scale::kEntropy ? between(kViridis, 1 - share)
                                           : between(kIvoryToNavy, share);
}

std::string line_colour(int index) {
  return std::string(kLines[static_cast<std::size_t>(wrapped(index, 8))]);
}

}  // namespace lens::analysis::figures
