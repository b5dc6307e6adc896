#pragma once

#include <ATen/core/Tensor.h>

#include <span>

#include "collective/collective.h"
#include "model/batch.h"
#include "model/qwen/weights.h"

namespace lens::model::qwen {

// A vision tower with its weights, or a rank's share of them.
class Tower {
 public:
  virtual ~Tower() = default;

  // Features of a pack of images.
  //
  //   patches  [sum of grid areas, patch_dim]  float32; images one after
  //            another, rows in merge-block order (input/image/preprocess.h)
  //   grids    one per image
  //   ranks    who share the weights; nullptr: this process has all
  //   returns  [sum of grid areas / merge_area, hidden_size]  weights' dtype,
  //            tokens in the order of the patches
  //
  // No image sees another and nothing is padded. What is computed for one image
  // depends on the others only by the rounding of the matrix products.
  virtual at::Tensor features(const at::Tensor& patches,
                              std::span<const Grid> grids,
                              collective::Collective* ranks) const = 0;
};

// What comes before the blocks.
struct PatchEmbedding {
  at::Tensor weight;  // [embed_dim, patch_dim]

  static PatchEmbedding load(const Loader& load, const TowerConfig& config);

  at::Tensor operator()(const at::Tensor& patches) const;
};

// What comes after them, behind a norm: the patches of a token become it.
struct Merger {
  LinearWeights fc1, fc2;

  static Merger load(const Loader& load);

  // normed [patches, embed_dim] -> [tokens, hidden_size]
  at::Tensor operator()(const at::Tensor& normed, const TowerConfig& config,
                        collective::Collective* ranks) const;
};

}  // namespace lens::model::qwen
