#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

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

HeatMap one_cell(double value) {
  HeatMap map;
  map.tokens = {"t"};
  map.layers = 1;
  map.cell_text = {"cell"};
  map.value = {value};
  map.match = {1};
  map.largest_entropy = 10;
  return map;
}

TEST(HeatMap, EachCellHasItsColourTextAndHover) {
  const std::string svg = heat_map_svg(one_cell(10));
  EXPECT_THAT(svg, HasSubstr("fill=\"#440154\"><title>cell\nlayer 0, 10 nats"));
  EXPECT_THAT(svg, HasSubstr(">cell</text>"));
  const std::string probable = heat_map_svg([] {
    HeatMap map = one_cell(1);
    map.scale = HeatMap::Scale::kProbability;
    return map;
  }());
  EXPECT_THAT(probable,
              HasSubstr("fill=\"#0f1c60\"><title>cell\nlayer 0, p 1<"));
}

// The colour of a value does not depend on what else the figure holds.
TEST(HeatMap, TheScaleIsFixed) {
  HeatMap map = one_cell(4);
  const std::string alone = heat_map_svg(map);
  map.tokens.push_back("u");
  map.cell_text.push_back("v");
  map.value.push_back(9.9);
  map.match.push_back(0);
  const std::string both = heat_map_svg(map);
  const auto colour = [](const std::string& svg) {
    const auto at = svg.find("\"><title>cell");
    return svg.substr(at - 7, 7);
  };
  EXPECT_EQ(colour(alone), colour(both));
  EXPECT_EQ(colour(alone), scale_colour(HeatMap::Scale::kEntropy, 0.4));
  EXPECT_THAT(alone, HasSubstr("ln V = 10.00"));
}

TEST(HeatMap, NoValueIsHatchedAndNothingElse) {
  const std::string svg = heat_map_svg(one_cell(std::nan("")));
  EXPECT_THAT(svg, Not(HasSubstr("cell</text>")));
  EXPECT_THAT(svg, Not(HasSubstr("nats</title>")));
  EXPECT_THAT(svg, HasSubstr("no value"));
  // The legend's sample and the cell.
  EXPECT_EQ(count(svg, "class=\"lens-hatch\""), 2);
  // The legend's sample of a frame alone.
  EXPECT_EQ(count(svg, "class=\"lens-match\""), 1);
  EXPECT_THAT(heat_map_svg(one_cell(1)), Not(HasSubstr("no value")));
}

TEST(HeatMap, MatchesAreFramed) {
  HeatMap map = one_cell(1);
  EXPECT_EQ(count(heat_map_svg(map), "class=\"lens-match\""), 2);
  map.match = {0};
  EXPECT_EQ(count(heat_map_svg(map), "class=\"lens-match\""), 1);
}

TEST(HeatMap, FirstAndLastLayersAreNamed) {
  const std::string svg =
      heat_map_svg(examples::heat_map(3, 29, HeatMap::Scale::kEntropy));
  EXPECT_THAT(svg, HasSubstr(">embedding</text>"));
  EXPECT_THAT(svg, HasSubstr(">output</text>"));
  EXPECT_THAT(svg, HasSubstr(">28</text>"));
}

TEST(HeatMap, ThirtyTokensAreSmall) {
  const std::string svg =
      heat_map_svg(examples::heat_map(30, 29, HeatMap::Scale::kEntropy));
  EXPECT_LT(svg.size(), 150'000u);
  EXPECT_EQ(count(svg, "\nlayer "), 30 * 29);
}

TEST(HeatMap, AnyNumberOfTokensAndLayers) {
  for (const auto& [tokens, layers] :
       {std::pair{0, 29}, {0, 0}, {1, 29}, {9, 1}, {1000, 5}, {2, 81}}) {
    const std::string svg = heat_map_svg(
        examples::heat_map(tokens, layers, HeatMap::Scale::kEntropy));
    EXPECT_EQ(count(svg, "\nlayer "), tokens * layers);
    EXPECT_EQ(count(svg, "<g"), count(svg, "</g>"));
  }
  EXPECT_THAT(heat_map_svg(examples::heat_map(0, 29, HeatMap::Scale::kEntropy)),
              HasSubstr("no tokens"));
}

TEST(HeatMap, HostileTextStaysText) {
  const std::string svg = heat_map_svg(examples::hostile_heat_map());
  EXPECT_THAT(svg, Not(HasSubstr("<script")));
  EXPECT_THAT(svg, Not(HasSubstr("<b>")));
  EXPECT_THAT(svg, Not(HasSubstr("<!--")));
  EXPECT_THAT(svg, Not(HasSubstr("\u202e")));
  EXPECT_THAT(svg, HasSubstr("\\xed\\xa0\\x80"));
  EXPECT_THAT(svg, HasSubstr("␣$x$␣"));
  EXPECT_THAT(svg, HasSubstr("direction=\"rtl\""));
  for (const char c : svg) {
    EXPECT_TRUE(static_cast<unsigned char>(c) >= 0x20 || c == '\n');
  }
}

TEST(HeatMap, ListsOfAnotherLengthAreRefused) {
  HeatMap map = one_cell(1);
  map.value.push_back(2);
  EXPECT_THROW(heat_map_svg(map), InputError);
  map = one_cell(1);
  map.match.clear();
  EXPECT_THROW(heat_map_svg(map), InputError);
  map = one_cell(1);
  map.largest_entropy = 0;
  EXPECT_THROW(heat_map_svg(map), InputError);
}

}  // namespace
}  // namespace lens::analysis::figures
