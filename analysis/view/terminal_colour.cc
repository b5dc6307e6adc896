#include "analysis/view/terminal_colour.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace lens::analysis {
namespace {

using Rgb = std::array<double, 3>;  // 0..255, sRGB

// Nine points of viridis (matplotlib, CC0), from its light end. Lines between
// them stay within what a terminal shows.
constexpr std::array<Rgb, 9> kScale = {{{253, 231, 37},
                                        {173, 220, 48},
                                        {94, 201, 98},
                                        {40, 174, 128},
                                        {33, 145, 140},
                                        {44, 114, 142},
                                        {59, 82, 139},
                                        {71, 45, 123},
                                        {68, 1, 84}}};
constexpr Rgb kNoValue = {208, 208, 208};

Rgb colour_of(double share) {
  if (std::isnan(share)) return kNoValue;
  const double place =
      std::clamp(share, 0.0, 1.0) * static_cast<double>(kScale.size() - 1);
  const auto below =
      std::min(static_cast<std::size_t>(place), kScale.size() - 2);
  const double weight = place - static_cast<double>(below);
  Rgb colour;
  for (std::size_t i = 0; i < colour.size(); ++i)
    colour[i] = std::round(kScale[below][i] * (1 - weight) +
                           kScale[below + 1][i] * weight);
  return colour;
}

// Relative luminance of WCAG 2, 0..1.
double luminance(const Rgb& colour) {
  constexpr Rgb kWeights = {0.2126, 0.7152, 0.0722};
  double sum = 0;
  for (std::size_t i = 0; i < colour.size(); ++i) {
    const double part = colour[i] / 255;
    sum +=
        kWeights[i] * (part <= 0.04045 ? part / 12.92
                                       : std::pow((part + 0.055) / 1.055, 2.4));
  }
  return sum;
}

}  // namespace

std::string cell_colour(double share, bool match) {
  const Rgb colour = colour_of(share);
  // Black and white have the same contrast at 0.179.
  const int letters = luminance(colour) > 0.179 ? 0 : 255;
  return fmt::format("\x1b[0;{}38;2;{};{};{};48;2;{:.0f};{:.0f};{:.0f}m",
                     match ? "1;4;" : "", letters, letters, letters, colour[0],
                     colour[1], colour[2]);
}

}  // namespace lens::analysis
