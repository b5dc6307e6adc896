#include "analysis/figures/figure_csv.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "figure_examples.h"

namespace lens::analysis::figures {
namespace {

HeatMap one_token() {
  HeatMap map;
  map.tokens = {"a,\"b\"\n"};
  map.layers = 2;
  map.cell_text = {" x", "\r"};
  map.value = {0.1, std::nan("")};
  map.match = {1, 0};
  map.largest_entropy = 12;
  return map;
}

TEST(FigureCsv, HeatMapQuotesAsRfc4180) {
  EXPECT_EQ(heat_map_csv(one_token()),
            "token,token_text,layer,top_text,entropy,match\n"
            "0,\"a,\"\"b\"\"\n\",0, x,0.1,1\n"
            "0,\"a,\"\"b\"\"\n\",1,\"\r\",NaN,0\n");
}

TEST(FigureCsv, HeaderNamesTheScale) {
  HeatMap map = one_token();
  map.scale = HeatMap::Scale::kProbability;
  EXPECT_NE(heat_map_csv(map).find("top_text,probability,match"),
            std::string::npos);
}

TEST(FigureCsv, NumbersReadBackExactly) {
  HeatMap map = one_token();
  for (const double value : {1.0 / 3, 0.1 + 0.2, 1e-300, 11.931234567890123,
                             std::numeric_limits<double>::denorm_min()}) {
    map.value[0] = value;
    const std::string csv = heat_map_csv(map);
    const auto at = csv.find(" x,") + 3;
    EXPECT_EQ(std::strtod(csv.c_str() + at, nullptr), value);
  }
}

TEST(FigureCsv, CurvesHoldLinesSamplesAndMarks) {
  CurveFigure figure;
  figure.lines = {{"a", {1, 2}, {0.5, 1.5}, {1.5, 2.5}}, {"b", {3, 4}, {}, {}}};
  figure.thin = {{7, std::nan("")}};
  figure.marks = {{"onset", 1, 0, 1.5, 0}};
  EXPECT_EQ(curves_csv(figure),
            "kind,name,layer,value,low,high\n"
            "line,a,0,1,0.5,1.5\n"
            "line,a,1,2,1.5,2.5\n"
            "line,b,0,3,,\n"
            "line,b,1,4,,\n"
            "sample,0,0,7,,\n"
            "sample,0,1,NaN,,\n"
            "mark,onset,1,,0,1.5\n");
}

TEST(FigureCsv, ComparisonAddsTheDifference) {
  const ComparisonFigure figure = examples::comparison(5);
  const std::string csv = comparison_csv(figure);
  EXPECT_EQ(csv.find(curves_csv(figure.curves)), 0u);
  EXPECT_NE(csv.find("\ndifference,\"mtvqa − latex_ocr, with 95 % band\",4,"),
            std::string::npos);
}

TEST(FigureCsv, HistogramTellsThoseWithout) {
  HistogramFigure figure;
  figure.series = {{"JA", {0, 3}, 2}};
  EXPECT_EQ(histogram_csv(figure),
            "series,layer,count\nJA,0,0\nJA,1,3\nJA,,2\n");
}

TEST(FigureCsv, StackAndImageMapAreLongTables) {
  StackFigure stack;
  stack.parts = {"Han", "Latin"};
  stack.panels = {{"RU", {0.25, 0.75, 1, 0}}};
  EXPECT_EQ(stack_csv(stack),
            "panel,layer,part,share\nRU,0,Han,0.25\nRU,0,Latin,0.75\n"
            "RU,1,Han,1\nRU,1,Latin,0\n");
  ImageMap map;
  map.rows = 2;
  map.columns = 1;
  map.value = {1.5, std::nan("")};
  EXPECT_EQ(image_map_csv(map),
            "row,column,top_text,entropy\n0,0,,1.5\n1,0,,NaN\n");
}

}  // namespace
}  // namespace lens::analysis::figures
