#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "collective/collective.h"
#include "model/batch.h"
#include "model/kv_cache.h"
#include "model/shape.h"
#include "model/sites.h"

namespace lens::model {

// What makes logits of a state.
struct Head {
  at::Tensor norm_weight;  // [hidden_size], of the final norm
  double norm_eps = 1e-6;
  at::Tensor weight;  // [ids, hidden_size]: of all ids, or of this rank's
  std::int64_t first_id = 0;  // of its first row
  // Who have the other ids, one range after another; nullptr or one rank: this
  // process has all.
  std::shared_ptr<collective::Collective> ranks;

  bool is_shared() const { return ranks && ranks->size() > 1; }
};

// A model that reads images and text, with its weights on one device, or a
// rank's share of them. A folder a family implements it; nobody else knows
// which one it is. Constant: calls on several threads do not meet, except in a
// cache that they are given. Ranks that share a model make the same calls at
// the same time, from one thread each; all are given the same values, and each
// gives the same bits (heads and units that a site shows are the rank's own). A
// rank that does not take its part ends the others' calls
// (collective::CollectiveError).
class Model {
 public:
  virtual ~Model() = default;

  // Heads and MLP units are those of this rank.
  virtual const Shape& shape() const = 0;
  virtual const Head& head() const = 0;
  // Dtype and device of the weights, and so of features and states.
  virtual at::TensorOptions options() const = 0;

  // Positions of a prompt, whose runs of image tokens are those of the images
  // in order. Throws lens::InputError when runs and grids do not fit each
  // other.
  virtual Positions positions(std::span<const std::int64_t> ids,
                              std::span<const Grid> grids) const = 0;

  // Features of a pack of images.
  //
  //   patches  [sum of grid areas, patch_dim]  float32; images one after
  //            another, rows in merge-block order (input/image/preprocess.h)
  //   grids    one per image
  //   returns  [image tokens, hidden_size] of each image, views of one tensor
  //
  // What is computed for one image depends on the others only by the rounding
  // of the matrix products.
  virtual std::vector<at::Tensor> image_features(
      const at::Tensor& patches, std::span<const Grid> grids) const = 0;

  // One pass of the decoder.
  //
  //   cache      receives the new keys and values
  //   observers  visit the sites that they want, in their order
  //   returns    [tokens, hidden_size]  after the final norm
  //
  // Prefill and decode are the same call. Where every segment has one token and
  // segment i lies in slot i, attention runs batched over the slots.
  virtual at::Tensor forward(const Batch& batch, KvCache& cache,
                             std::span<Observer* const> observers) const = 0;
};

}  // namespace lens::model
