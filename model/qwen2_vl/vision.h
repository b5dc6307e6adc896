#pragma once

#include <ATen/core/Tensor.h>

#include <span>

#include "collective/collective.h"
#include "model/batch.h"
#include "model/qwen2_vl/config.h"
#include "model/qwen2_vl/rope.h"
#include "model/qwen2_vl/weights.h"

namespace lens::model::qwen2_vl {

// Features of a pack of images.
//
//   patches  [sum of grid areas, patch_dim]  float32; images one after another,
//            rows in merge-block order (input/image/preprocess.h)
//   grids    one per image
//   ranks    who share the weights; nullptr: this process has all
//   returns  [sum of grid areas / merge_area, hidden_size]  weights' dtype
//
// Attention is full within an image and absent between images: nothing is
// padded. What is computed for one image depends on the others only by the
// rounding of the matrix products.
at::Tensor vision_features(const VisionWeights& weights,
                           const VisionConfig& config,
                           const at::Tensor& patches,
                           std::span<const Grid> grids,
                           collective::Collective* ranks);

}  // namespace lens::model::qwen2_vl
