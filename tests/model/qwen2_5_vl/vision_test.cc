#include <ATen/ops/cat.h>
#include <gtest/gtest.h>

#include "model/open_model.h"
#include "tests/model/expect_close.h"
#include "tests/model/golden.h"
#include "tests/model/tiny_checkpoint.h"

namespace lens::model::qwen2_5_vl {
namespace {

// Tokens of 2 x 4 and 3 x 5, windows of 2 x 2.
TEST(WindowedFeatures, EqualTransformersAloneAndPacked) {
  const auto model =
      open_model(tiny_windowed_checkpoint(), at::kFloat, at::kCPU);
  const Golden first(2);
  const Golden second(3);
  EXPECT_EQ(second.grid().height, 6);
  EXPECT_EQ(second.grid().width, 10);
  expect_close(
      model->image_features(second["pixel_values"], {{second.grid()}}).at(0),
      second["vision_output"]);
  const std::vector<Grid> grids = {first.grid(), second.grid(), first.grid()};
  const std::vector<at::Tensor> features = model->image_features(
      at::cat({first["pixel_values"], second["pixel_values"],
               first["pixel_values"]},
              0),
      grids);
  ASSERT_EQ(features.size(), 3u);
  expect_close(features[0], first["vision_output"]);
  expect_close(features[1], second["vision_output"]);
  expect_close(features[2], first["vision_output"]);
}

}  // namespace
}  // namespace lens::model::qwen2_5_vl
