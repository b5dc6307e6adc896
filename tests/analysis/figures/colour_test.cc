#include "analysis/figures/colour.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <string>

namespace lens::analysis::figures {
namespace {

using Triple = std::array<double, 3>;
using Matrix = std::array<Triple, 3>;

Triple linear(const std::string& colour) {
  Triple out{};
  for (std::size_t i = 0; i < 3; ++i) {
    const double value =
        std::stoi(colour.substr(1 + 2 * i, 2), nullptr, 16) / 255.0;
    out[i] = value <= 0.04045 ? value / 12.92
                              : std::pow((value + 0.055) / 1.055, 2.4);
  }
  return out;
}

Triple times(const Matrix& m, const Triple& v) {
  Triple out{};
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 3; ++j) out[i] += m[i][j] * v[j];
  }
  return out;
}

// Ottosson's OKLab.
Triple oklab(const Triple& rgb) {
  Triple lms = times({{{0.4122214708, 0.5363325363, 0.0514459929},
                       {0.2119034982, 0.6806995451, 0.1073969566},
                       {0.0883024619, 0.2817188376, 0.6299787005}}},
                     rgb);
  for (double& value : lms) value = std::cbrt(std::clamp(value, 0.0, 1.0));
  return times({{{0.2104542553, 0.7936177850, -0.0040720468},
                 {1.9779984951, -2.4285922050, 0.4505937099},
                 {0.0259040371, 0.7827717662, -0.8086757660}}},
               lms);
}

double distance(const Triple& a, const Triple& b) {
  return std::sqrt(std::pow(a[0] - b[0], 2) + std::pow(a[1] - b[1], 2) +
                   std::pow(a[2] - b[2], 2));
}

double luminance(const std::string& colour) {
  const Triple rgb = linear(colour);
  return 0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2];
}

TEST(Colour, LinesStayApartForTheColourBlind) {
  // Machado, Oliveira and Fernandes (2009), severity 1: normal sight,
  // protanopia, deuteranopia, tritanopia.
  const std::array<Matrix, 4> eyes = {
      Matrix{{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}},
      Matrix{{{0.152286, 1.052583, -0.204868},
              {0.114503, 0.786281, 0.099216},
              {-0.003882, -0.048116, 1.051998}}},
      Matrix{{{0.367322, 0.860646, -0.227968},
              {0.280085, 0.672501, 0.047413},
              {-0.011820, 0.042940, 0.968881}}},
      Matrix{{{1.255528, -0.076749, -0.178779},
              {-0.078411, 0.930809, 0.147602},
              {0.004733, 0.691367, 0.303900}}}};
  for (const Matrix& eye : eyes) {
    for (int i = 0; i < 8; ++i) {
      for (int j = 0; j < i; ++j) {
        EXPECT_GT(distance(oklab(times(eye, linear(line_colour(i)))),
                           oklab(times(eye, linear(line_colour(j))))),
                  0.07)
            << line_colour(i) << " " << line_colour(j);
      }
    }
  }
}

TEST(Colour, LinesAreSeenOnWhite) {
  for (int i = 0; i < 8; ++i) {
    EXPECT_GT(1.05 / (luminance(line_colour(i)) + 0.05), 2.0) << i;
  }
}

TEST(Colour, ScalesDarkenEvenlyTowardsLargeValues) {
  for (const auto scale :
       {HeatMap::Scale::kEntropy, HeatMap::Scale::kProbability}) {
    double smallest = 1, largest = 0;
    for (int i = 0; i < 20; ++i) {
      const double from = oklab(linear(scale_colour(scale, i / 20.0)))[0];
      const double to = oklab(linear(scale_colour(scale, (i + 1) / 20.0)))[0];
      smallest = std::min(smallest, from - to);
      largest = std::max(largest, from - to);
    }
    EXPECT_GT(smallest, 0.01);
    EXPECT_LT(largest, 0.055);
  }
}

TEST(Colour, EndsOfTheScalesAreFixed) {
  EXPECT_EQ(scale_colour(HeatMap::Scale::kEntropy, 0), "#fde725");
  EXPECT_EQ(scale_colour(HeatMap::Scale::kEntropy, 1), "#440154");
  EXPECT_EQ(scale_colour(HeatMap::Scale::kEntropy, 7), "#440154");
  EXPECT_EQ(scale_colour(HeatMap::Scale::kEntropy, -1), "#fde725");
  EXPECT_EQ(scale_colour(HeatMap::Scale::kProbability, 0), "#fdf7e1");
  EXPECT_EQ(scale_colour(HeatMap::Scale::kProbability, 1), "#0f1c60");
}

TEST(Colour, NoValueIsNoColourOfTheScale) {
  const std::string none = scale_colour(HeatMap::Scale::kEntropy, std::nan(""));
  for (int i = 0; i <= 100; ++i) {
    EXPECT_NE(scale_colour(HeatMap::Scale::kEntropy, i / 100.0), none);
    EXPECT_NE(scale_colour(HeatMap::Scale::kProbability, i / 100.0), none);
  }
}

TEST(Colour, InkIsReadOnEveryCell) {
  for (int i = 0; i <= 100; ++i) {
    const std::string cell = scale_colour(HeatMap::Scale::kEntropy, i / 100.0);
    const double a = luminance(cell) + 0.05;
    const double b = luminance(ink_on(cell)) + 0.05;
    EXPECT_GT(std::max(a, b) / std::min(a, b), 4.5) << cell;
  }
}

TEST(Colour, ColourAndDashesTellSixtyFourLinesApart) {
  std::set<std::string> seen;
  for (int i = 0; i < 64; ++i) {
    seen.insert(line_colour(i) + std::string(dash(i)));
  }
  EXPECT_EQ(seen.size(), 64u);
  std::set<std::string_view> dashes;
  for (int i = 0; i < 8; ++i) dashes.insert(dash(i));
  EXPECT_EQ(dashes.size(), 8u);
  EXPECT_EQ(line_colour(-1), line_colour(7));
}

TEST(Colour, SixteenPartsDiffer) {
  std::set<std::string> seen;
  for (int i = 0; i < 16; ++i) seen.insert(part_colour(i));
  EXPECT_EQ(seen.size(), 16u);
}

}  // namespace
}  // namespace lens::analysis::figures
