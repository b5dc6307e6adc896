#include "model/qwen/tower.h"

#include <ATen/ops/gelu.h>
#include <ATen/ops/linear.h>

namespace lens::model::qwen {

PatchEmbedding PatchEmbedding::load(const Loader& load,
                                    const TowerConfig& config) {
  // A convolution over whole patches, as the matrix that it is.
  return {load.tensor("visual.patch_embed.proj.weight")
              .reshape({config.embed_dim, config.patch_dim()})};
}

at::Tensor PatchEmbedding::operator()(const at::Tensor& patches) const {
  // A convolution whose kernel is its stride is one matrix product.
  // Its columns come as those of a patch: channel, frame, row, column.
  return at::linear(patches.to(weight.options()), weight);
}

Merger Merger::load(const Loader& load) {
  return {.fc1 = load.linear("visual.merger.mlp.0", true),
          .fc2 = load.linear("visual.merger.mlp.2", true)};
}

at::Tensor Merger::operator()(const at::Tensor& normed,
                              const TowerConfig& config,
                              collective::Collective* ranks) const {
  // Four consecutive rows are one 2 x 2 block.
  const at::Tensor merged = normed.view({-1, config.merged_dim()});
  // The exact GELU (erf), whatever that of the blocks is.
  return summed_linear(at::gelu(linear(merged, fc1)), fc2, ranks);
}

}  // namespace lens::model::qwen
