// All kinds of figures but the heat map, which has a file of its own.

#include "analysis/figures/figures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "base/error.h"
#include "figure_examples.h"

namespace lens::analysis::figures {
namespace {

using testing::HasSubstr;
using testing::Not;

int count(const std::string& text, const std::string& piece) {
  int found = 0;
  for (auto at = text.find(piece); at != std::string::npos;
       at = text.find(piece, at + 1)) {
    ++found;
  }
  return found;
}

TEST(Figures, EqualStructsGiveEqualBytes) {
  const std::vector<std::function<std::string()>> kinds = {
      [] {
        return heat_map_svg(
            examples::heat_map(7, 9, HeatMap::Scale::kProbability));
      },
      [] { return curves_svg(examples::curves(9, 29, 5)); },
      [] { return comparison_svg(examples::comparison(29)); },
      [] { return histogram_svg(examples::histogram(3, 29)); },
      [] { return stack_svg(examples::stack(2, 29)); },
      [] { return image_map_svg(examples::image_map(3, 4)); }};
  for (const auto& kind : kinds) {
    const std::string svg = kind();
    EXPECT_EQ(svg, kind());
    EXPECT_THAT(svg, HasSubstr("role=\"img\""));
    EXPECT_THAT(svg, HasSubstr("<desc>"));
    // Many figures stand in one page: no name may clash.
    EXPECT_THAT(svg, Not(HasSubstr(" id=")));
    EXPECT_THAT(svg, Not(HasSubstr("nan")));
  }
}

// The path of the mean of the only line.
std::string mean_path(const CurveFigure& figure) {
  const std::string svg = curves_svg(figure);
  const auto at = svg.find("stroke-linejoin=\"round\"");
  if (at == std::string::npos) return "";
  const auto start = svg.rfind("d=\"", at);
  return svg.substr(start + 3, svg.find('"', start + 3) - start - 3);
}

CurveFigure one_line(std::vector<double> mean) {
  CurveFigure figure;
  figure.y_max = 10;
  figure.lines = {{"line", std::move(mean), {}, {}}};
  return figure;
}

TEST(Curves, AMissingValueIsAGap) {
  const double nan = std::nan("");
  EXPECT_EQ(count(mean_path(one_line({1, 2, 3, 4, 5})), "M"), 1);
  EXPECT_EQ(count(mean_path(one_line({1, 2, nan, 4, 5})), "M"), 2);
  EXPECT_EQ(count(mean_path(one_line({1, 2, INFINITY, 4, 5})), "M"), 2);
  EXPECT_EQ(mean_path(one_line({nan, nan})), "");
  // A point between gaps is drawn as one.
  EXPECT_THAT(curves_svg(one_line({nan, 2, nan})), HasSubstr("h4v4h-4z"));
}

TEST(Curves, BandsMarksAndSamplesAreDrawn) {
  const std::string svg = curves_svg(examples::curves(2, 29, 40));
  EXPECT_EQ(count(svg, "fill-opacity=\".16\""), 2);
  EXPECT_EQ(count(svg, "<circle"), 2);
  EXPECT_THAT(svg, HasSubstr("onset mtvqa 21 [20, 22]"));
  EXPECT_THAT(svg, HasSubstr("stroke-dasharray=\"8 3\""));
  EXPECT_THAT(svg, HasSubstr(">output</text>"));
  EXPECT_GT(count(svg, "<path"), 44);
}

TEST(Curves, WhatDoesNotFitIsRefused) {
  CurveFigure figure = one_line({1, 2});
  figure.lines[0].low = {0, 1};
  EXPECT_THROW(curves_svg(figure), InputError);
  figure.lines[0].high = {1};
  figure.lines[0].low = {1};
  EXPECT_THROW(curves_svg(figure), InputError);
  figure = one_line({1});
  figure.y_max = figure.y_min;
  EXPECT_THROW(curves_svg(figure), InputError);
  figure.y_max = std::nan("");
  EXPECT_THROW(curves_svg(figure), InputError);
}

TEST(Curves, EmptyAndSingleLayerFiguresAreDrawn) {
  EXPECT_THAT(curves_svg(CurveFigure{}), HasSubstr("</svg>"));
  EXPECT_THAT(curves_svg(one_line({1})), HasSubstr(">embedding</text>"));
  EXPECT_THAT(curves_svg(one_line({})), HasSubstr("</svg>"));
}

TEST(Comparison, TheDifferenceHasAPanelAndAZeroLine) {
  const std::string svg = comparison_svg(examples::comparison(29));
  EXPECT_EQ(count(svg, "fill-opacity=\".16\""), 3);
  EXPECT_THAT(svg, HasSubstr(">difference</text>"));
  EXPECT_THAT(svg, HasSubstr("mtvqa − latex_ocr"));
  ComparisonFigure figure = examples::comparison(29);
  figure.difference.mean.pop_back();
  EXPECT_THROW(comparison_svg(figure), InputError);
}

TEST(Histogram, BarsTellTheirCounts) {
  HistogramFigure figure;
  figure.series = {{"JA", {0, 3, 5}, 2}, {"RU", {0, 0, 0}, 0}};
  const std::string svg = histogram_svg(figure);
  EXPECT_THAT(svg, HasSubstr("<title>layer 1: 3 of 10 (30.0 %)</title>"));
  EXPECT_THAT(svg, HasSubstr("n = 10, median 2, 2 without (20.0 %)"));
  EXPECT_THAT(svg, HasSubstr("n = 0<"));
  EXPECT_EQ(count(svg, "<title>layer"), 2);
  EXPECT_THAT(histogram_svg({}), HasSubstr("no groups"));
}

TEST(Stack, PartsAreAreasAndMissingLayersGaps) {
  StackFigure figure;
  figure.parts = {"Han", "Latin", "Greek"};
  figure.panels = {{"RU", {0.25, 0.75, 0, 0.5, 0.5, 0, 0.5, 0.5, 0}}};
  std::string svg = stack_svg(figure);
  EXPECT_EQ(count(svg, "<title>Han</title>"), 1);
  EXPECT_THAT(svg, HasSubstr("below 0.1 % everywhere: Greek"));
  EXPECT_THAT(svg, Not(HasSubstr("lens-hatch\" stroke=")));
  figure.panels[0].share[4] = std::nan("");
  svg = stack_svg(figure);
  EXPECT_THAT(svg, HasSubstr("lens-hatch\" stroke="));
  EXPECT_EQ(count(svg, "<title>Han</title>"), 1);
}

TEST(Stack, SharesMustFillLayers) {
  StackFigure figure;
  figure.parts = {"Han", "Latin"};
  figure.panels = {{"RU", {0.25, 0.75, 1}}};
  EXPECT_THROW(stack_svg(figure), InputError);
  figure.panels = {{"RU", {}}};
  EXPECT_THAT(stack_svg(figure), HasSubstr("lens-hatch\" stroke="));
  EXPECT_THAT(stack_svg({}), HasSubstr("no groups"));
  figure.panels = {{"RU", {0.25, 0.75}}};
  EXPECT_THAT(stack_svg(figure), HasSubstr("<title>Han</title>"));
}

TEST(ImageMap, CellsLieOverThePicture) {
  ImageMap map = examples::image_map(2, 3);
  EXPECT_THAT(image_map_svg(map), HasSubstr("the picture is not there"));
  map.picture_uri = "data:image/png;base64,iVBORw0KGgo=";
  const std::string svg = image_map_svg(map);
  EXPECT_THAT(svg, HasSubstr("href=\"data:image/png;base64,iVBORw0KGgo=\""));
  EXPECT_THAT(svg, HasSubstr("row 0, column 2, "));
  // The last cell has no value.
  EXPECT_EQ(count(svg, "\nrow "), 5);
  EXPECT_THAT(svg, HasSubstr("no value"));
}

TEST(ImageMap, OnlyPicturesOfTheFigureItselfAreTaken) {
  ImageMap map = examples::image_map(2, 3);
  for (const char* uri :
       {"https://example.org/a.png", "javascript:alert(1)",
        "data:image/svg+xml;base64,AAAA", "data:image/png;base64,A\"/><x>",
        "data:text/html;base64,AAAA"}) {
    map.picture_uri = uri;
    EXPECT_THROW(image_map_svg(map), InputError) << uri;
  }
  map = examples::image_map(2, 3);
  map.value.pop_back();
  EXPECT_THROW(image_map_svg(map), InputError);
}

}  // namespace
}  // namespace lens::analysis::figures
