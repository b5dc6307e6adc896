#include "model/qwen/rope.h"

#include <ATen/ops/tensor.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "model/qwen2_vl/config.h"
#include "tests/model/golden.h"
#include "tests/model/tiny_checkpoint.h"

namespace lens::model::qwen {
namespace {

using ::testing::ElementsAre;

Config config_with_image_token(std::int64_t id) {
  Config config = qwen2_vl::load_config(tiny_checkpoint());
  config.image_token_id = id;
  return config;
}

TEST(Positions, WorkedExampleOfAnImageBetweenTexts) {
  const std::vector<std::int64_t> ids = {1, 1, 9, 9, 9, 9, 9, 9, 1, 1};
  const std::vector<Grid> grids = {{4, 6}};
  const Positions positions =
      mrope_positions(ids, grids, config_with_image_token(9));
  EXPECT_THAT(positions.axes[0], ElementsAre(0, 1, 2, 2, 2, 2, 2, 2, 5, 6));
  EXPECT_THAT(positions.axes[1], ElementsAre(0, 1, 2, 2, 2, 3, 3, 3, 5, 6));
  EXPECT_THAT(positions.axes[2], ElementsAre(0, 1, 2, 3, 4, 2, 3, 4, 5, 6));
  EXPECT_EQ(positions.next, 7);
}

TEST(Positions, TwoImagesTakeTheirGridsInOrder) {
  const std::vector<std::int64_t> ids = {9, 1, 9, 9, 1};
  const std::vector<Grid> grids = {{2, 2}, {4, 2}};
  const Positions positions =
      mrope_positions(ids, grids, config_with_image_token(9));
  EXPECT_THAT(positions.axes[0], ElementsAre(0, 1, 2, 2, 4));
  EXPECT_THAT(positions.axes[1], ElementsAre(0, 1, 2, 3, 4));
  EXPECT_THAT(positions.axes[2], ElementsAre(0, 1, 2, 2, 4));
}

TEST(Positions, EqualsTransformersOnGoldens) {
  for (const int number : {0, 1}) {
    const Golden golden(number);
    const std::vector<std::int64_t> ids = golden.integers("input_ids");
    const std::vector<Grid> grids = {golden.grid()};
    const Positions positions =
        mrope_positions(ids, grids, qwen2_vl::load_config(tiny_checkpoint()));
    const std::vector<std::int64_t> expected = golden.integers("position_ids");
    for (int axis = 0; axis < 3; ++axis) {
      for (std::size_t i = 0; i < ids.size(); ++i) {
        EXPECT_EQ(positions.axes[axis][i], expected[axis * ids.size() + i]);
      }
    }
    EXPECT_EQ(positions.next - static_cast<std::int64_t>(ids.size()),
              golden.integers("rope_delta")[0]);
  }
}

TEST(Positions, GridsThatDoNotFitAreRefused) {
  const Config config = config_with_image_token(9);
  const std::vector<std::int64_t> ids = {1, 9, 9, 1};
  const std::vector<Grid> none;
  const std::vector<Grid> wrong = {{4, 4}};
  const std::vector<Grid> two = {{2, 4}, {2, 2}};
  EXPECT_THROW(mrope_positions(ids, none, config), InputError);
  EXPECT_THROW(mrope_positions(ids, wrong, config), InputError);
  EXPECT_THROW(mrope_positions(ids, two, config), InputError);
}

// Angles by their definition, one number at a time in float64.
TEST(TextRotation, MatchesTheDefinition) {
  TextConfig config;
  config.hidden_size = 128;
  config.num_heads = 1;
  const std::int64_t position[3] = {5, 70, 1003};
  const at::Tensor positions =
      at::tensor(std::vector<std::int64_t>(position, position + 3))
          .view({3, 1});
  const Rotation rotation =
      text_rotation(positions, text_frequencies(config), config);
  for (int j = 0; j < 128; ++j) {
    const int section = (j % 64) < 16 ? 0 : (j % 64) < 40 ? 1 : 2;
    const double angle = static_cast<double>(position[section]) *
                         std::pow(1e6, -2.0 * (j % 64) / 128.0);
    EXPECT_NEAR(rotation.cos[0][j].item<float>(), std::cos(angle), 2e-4);
    EXPECT_NEAR(rotation.sin[0][j].item<float>(), std::sin(angle), 2e-4);
  }
}

TEST(VisionRotation, FollowsMergeBlockOrder) {
  TowerConfig config;
  config.embed_dim = 8;
  config.num_heads = 1;
  const Rotation rotation =
      vision_rotation(std::vector<Grid>{{2, 4}}, config, at::kCPU);
  // Rows and columns of the patches: two 2 x 2 blocks side by side.
  const int rows[8] = {0, 0, 1, 1, 0, 0, 1, 1};
  const int columns[8] = {0, 1, 0, 1, 2, 3, 2, 3};
  for (int patch = 0; patch < 8; ++patch) {
    EXPECT_NEAR(rotation.sin[patch][0].item<float>(), std::sin(rows[patch]),
                1e-6);
    EXPECT_NEAR(rotation.sin[patch][2].item<float>(), std::sin(columns[patch]),
                1e-6);
  }
}

}  // namespace
}  // namespace lens::model::qwen
