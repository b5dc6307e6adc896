#include "model/qwen2_5_vl/windows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

namespace lens::model::qwen2_5_vl {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

WindowOrder order_of(const std::vector<Grid>& grids, int side = 4) {
  return window_order(grids, 2, side);
}

TEST(Windows, ImageOfOneWindowKeepsItsOrder) {
  const WindowOrder order = order_of({{4, 6}});
  EXPECT_THAT(order.tokens, ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_THAT(order.windows, ElementsAre(qwen::PatchGroups{24, 1}));
}

// 3 x 5 tokens in windows of 2 x 2:
//    0  1 |  2  3 |  4
//    5  6 |  7  8 |  9
//   ------+-------+----
//   10 11 | 12 13 | 14
TEST(Windows, BordersAreAsNarrowAsWhatIsLeft) {
  const WindowOrder order = order_of({{6, 10}}, 2);
  EXPECT_THAT(order.tokens, ElementsAre(0, 1, 5, 6, 2, 3, 7, 8,  // whole ones
                                        4, 9,                    // right
                                        10, 11, 12, 13,          // bottom
                                        14));
  EXPECT_THAT(order.windows,
              ElementsAre(qwen::PatchGroups{16, 2}, qwen::PatchGroups{8, 1},
                          qwen::PatchGroups{8, 2}, qwen::PatchGroups{4, 1}));
}

TEST(Windows, StripIsCutAlongItsLength) {
  const WindowOrder order = order_of({{2, 18}});
  EXPECT_THAT(order.tokens, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8));
  EXPECT_THAT(order.windows,
              ElementsAre(qwen::PatchGroups{16, 2}, qwen::PatchGroups{4, 1}));
}

// transformers adds an empty window here, and takes it away again.
TEST(Windows, SidesThatAreMultiplesLeaveNoEmptyOne) {
  EXPECT_THAT(order_of({{16, 8}}).windows,
              ElementsAre(qwen::PatchGroups{64, 2}));
}

TEST(Windows, ImagesFollowOneAnother) {
  const std::vector<Grid> grids = {{2, 4}, {10, 18}, {8, 8}, {2, 2}, {34, 6}};
  const WindowOrder order = order_of(grids);
  std::vector<std::int64_t> sorted = order.tokens;
  std::sort(sorted.begin(), sorted.end());
  std::vector<std::int64_t> all(sorted.size());
  std::iota(all.begin(), all.end(), 0);
  EXPECT_EQ(sorted, all) << "each token once";
  std::int64_t token = 0;
  std::size_t group = 0;
  std::int64_t first = 0;
  for (const Grid& grid : grids) {
    const std::int64_t last =
        first + std::int64_t{grid.height} * grid.width / 4;
    while (token < last) {
      ASSERT_LT(group, order.windows.size());
      const qwen::PatchGroups& alike = order.windows[group++];
      for (std::int64_t i = 0; i < alike.patches / 4 * alike.count; ++i) {
        const std::int64_t place =
            order.tokens[static_cast<std::size_t>(token++)];
        EXPECT_TRUE(place >= first && place < last);
      }
    }
    EXPECT_EQ(token, last) << "no window holds tokens of two images";
    first = last;
  }
  EXPECT_THAT(order_of({}).tokens, IsEmpty());
}

}  // namespace
}  // namespace lens::model::qwen2_5_vl
