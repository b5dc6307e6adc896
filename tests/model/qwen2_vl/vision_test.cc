#include <ATen/ops/cat.h>
#include <gtest/gtest.h>

#include "model/open_model.h"
#include "tests/model/expect_close.h"
#include "tests/model/golden.h"
#include "tests/model/tiny_checkpoint.h"

namespace lens::model::qwen2_vl {
namespace {

TEST(ImageFeatures, EqualTransformersAloneAndPacked) {
  const auto model = open_model(tiny_checkpoint(), at::kFloat, at::kCPU);
  const Golden first(0);
  const Golden second(1);
  expect_close(
      model->image_features(first["pixel_values"], {{first.grid()}}).at(0),
      first["vision_output"]);
  const std::vector<Grid> grids = {first.grid(), second.grid()};
  const std::vector<at::Tensor> features = model->image_features(
      at::cat({first["pixel_values"], second["pixel_values"]}, 0), grids);
  ASSERT_EQ(features.size(), 2u);
  expect_close(features[0], first["vision_output"]);
  expect_close(features[1], second["vision_output"]);
}

}  // namespace
}  // namespace lens::model::qwen2_vl
