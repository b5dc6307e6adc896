#include "analysis/view/layer_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace lens::analysis::view {
namespace {

using testing::ElementsAre;

TEST(LayerList, TakesListsStepsAndRanges) {
  EXPECT_EQ(parse_layers("all", 29).size(), 29u);
  EXPECT_THAT(parse_layers("0,14,28", 29), ElementsAre(0, 14, 28));
  EXPECT_THAT(parse_layers("-1,0,-2", 29), ElementsAre(0, 27, 28));
  EXPECT_THAT(parse_layers("0,8..", 29), ElementsAre(0, 8, 16, 24));
  EXPECT_THAT(parse_layers("26..", 29), ElementsAre(26, 27, 28));
  EXPECT_THAT(parse_layers("3..5,3", 29), ElementsAre(3, 4, 5));
  EXPECT_THAT(parse_layers("-3..-1", 29), ElementsAre(26, 27, 28));
  EXPECT_THAT(parse_layers("0,4,8..16", 29), ElementsAre(0, 4, 8, 12, 16));
}

TEST(LayerList, RefusesWhatIsNoState) {
  for (const char* text :
       {"", "29", "-30", "a", "1,", ",1", "1.5", "1...3", "9999999999", "1 2"})
    EXPECT_THROW(parse_layers(text, 29), InputError) << text;
}

}  // namespace
}  // namespace lens::analysis::view
