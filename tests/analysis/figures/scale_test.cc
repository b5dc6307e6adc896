#include "analysis/figures/scale.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace lens::analysis::figures {
namespace {

std::vector<std::string> labels(const std::vector<Tick>& marks) {
  std::vector<std::string> out;
  for (const Tick& mark : marks) out.push_back(mark.label);
  return out;
}

TEST(Scale, TicksAreRound) {
  EXPECT_THAT(labels(ticks(0, 11.93, 6)),
              testing::ElementsAre("0", "2", "4", "6", "8", "10"));
  EXPECT_THAT(labels(ticks(0, 1, 5)),
              testing::ElementsAre("0.0", "0.2", "0.4", "0.6", "0.8", "1.0"));
  EXPECT_THAT(labels(ticks(-2.2, 2.2, 4)),
              testing::ElementsAre("−2", "0", "2"));
}

TEST(Scale, LogarithmsAreLabelledByTheNumbersThemselves) {
  EXPECT_THAT(labels(logarithmic_ticks(0, 11.93, 6)),
              testing::ElementsAre("1", "10", "100", "1000", "10000", "10⁵"));
  EXPECT_THAT(labels(logarithmic_ticks(std::log(0.002), 0, 4)),
              testing::ElementsAre("0.01", "0.1", "1"));
}

TEST(Scale, TheLastLayerIsAlwaysLabelled) {
  for (int layers = 1; layers < 120; ++layers) {
    for (const double step : {2.0, 7.0, 22.0, 100.0}) {
      const std::vector<int> shown = labelled_layers(layers, step);
      EXPECT_EQ(shown.front(), 0);
      EXPECT_EQ(shown.back(), layers - 1);
    }
  }
  EXPECT_THAT(labelled_layers(1, 100), testing::ElementsAre(0));
}

TEST(Scale, ValuesOutsideLieOnTheEdge) {
  const PlotArea area{0, 10, 100, 50};
  const ValueScale scale(area, 0, 2);
  EXPECT_DOUBLE_EQ(scale.y(0), 60);
  EXPECT_DOUBLE_EQ(scale.y(1), 35);
  EXPECT_DOUBLE_EQ(scale.y(9), 10);
  EXPECT_DOUBLE_EQ(scale.y(-9), 60);
}

TEST(Scale, ASingleLayerIsInTheMiddle) {
  const PlotArea area{20, 0, 100, 50};
  EXPECT_DOUBLE_EQ(LayerScale(area, 1).x(0), 70);
  EXPECT_DOUBLE_EQ(LayerScale(area, 3).x(2), 120);
}

}  // namespace
}  // namespace lens::analysis::figures
