#include "model/qwen2_vl/vision.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/sigmoid.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "model/cuda/fused.h"
#include "model/qwen/patch_attention.h"
#include "model/qwen/rope.h"

namespace lens::model::qwen2_vl {
namespace {

using qwen::LinearWeights;

// Not in config.json: a constant of transformers' code.
constexpr double kLayerNormEps = 1e-6;

struct LayerNormWeights {
  at::Tensor weight;  // [embed_dim]
  at::Tensor bias;    // [embed_dim]
};

struct Block {
  LayerNormWeights norm1, norm2;
  LinearWeights qkv, proj, fc1, fc2;
};

struct Weights {
  qwen::PatchEmbedding embedding;
  std::vector<Block> blocks;
  LayerNormWeights merger_norm;
  qwen::Merger merger;
};

LayerNormWeights load_norm(const qwen::Loader& load, const std::string& name) {
  return {load.tensor(name + ".weight"), load.tensor(name + ".bias")};
}

Weights load_weights(const qwen::Loader& load,
                     const qwen::TowerConfig& config) {
  Weights weights;
  weights.embedding = qwen::PatchEmbedding::load(load, config);
  for (int i = 0; i < config.depth; ++i) {
    const std::string block = "visual.blocks." + std::to_string(i) + ".";
    weights.blocks.push_back({.norm1 = load_norm(load, block + "norm1"),
                              .norm2 = load_norm(load, block + "norm2"),
                              .qkv = load.linear(block + "attn.qkv", true),
                              .proj = load.linear(block + "attn.proj", true),
                              .fc1 = load.linear(block + "mlp.fc1", true),
                              .fc2 = load.linear(block + "mlp.fc2", true)});
  }
  weights.merger_norm = load_norm(load, "visual.merger.ln_q");
  weights.merger = qwen::Merger::load(load);
  return weights;
}

at::Tensor layer_norm(const at::Tensor& x, const LayerNormWeights& weights) {
  return at::layer_norm(x, {x.size(-1)}, weights.weight, weights.bias,
                        kLayerNormEps);
}

at::Tensor quick_gelu(const at::Tensor& x) {
  if (cuda::fuses(x)) return cuda::quick_gelu(x);
  // Each of the three steps rounds to the dtype; so does the kernel.
  return x * at::sigmoid(1.702 * x);
}

class Tower final : public qwen::Tower {
 public:
  Tower(Weights weights, qwen::TowerConfig config)
      : weights_(std::move(weights)), config_(std::move(config)) {}

  at::Tensor features(const at::Tensor& patches, std::span<const Grid> grids,
                      collective::Collective* ranks) const override {
    at::Tensor x = weights_.embedding(patches);
    const qwen::Rotation rotation =
        qwen::vision_rotation(grids, config_, x.device());
    std::vector<qwen::PatchGroups> images;
    for (const Grid& grid : grids) {
      images.push_back({std::int64_t{grid.height} * grid.width});
    }
    const qwen::PatchAttention attention(std::move(images), config_.head_dim(),
                                         x.options());
    for (const Block& block : weights_.blocks) {
      x = x + attention.attend(layer_norm(x, block.norm1), block.qkv,
                               block.proj, rotation, ranks);
      x = x + summed_linear(
                  quick_gelu(linear(layer_norm(x, block.norm2), block.fc1)),
                  block.fc2, ranks);
    }
    return weights_.merger(layer_norm(x, weights_.merger_norm), config_, ranks);
  }

 private:
  // constant after construction
  const Weights weights_;
  const qwen::TowerConfig config_;
};

}  // namespace

std::unique_ptr<const qwen::Tower> load_tower(const qwen::Loader& load,
                                              const Config& config) {
  return std::make_unique<Tower>(load_weights(load, config.vision),
                                 config.vision);
}

}  // namespace lens::model::qwen2_vl
