#include "model/qwen2_5_vl/vision.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/index_select.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "model/index_tensor.h"
#include "model/qwen/patch_attention.h"
#include "model/qwen/rope.h"
#include "model/qwen/steps.h"
#include "model/qwen2_5_vl/windows.h"

namespace lens::model::qwen2_5_vl {
namespace {

using qwen::LinearWeights;

// Not in config.json: a constant of transformers' code.
constexpr double kRmsNormEps = 1e-6;

struct Block {
  at::Tensor norm1, norm2;  // [embed_dim]
  LinearWeights qkv, proj, gate, up, down;
};

struct Weights {
  qwen::PatchEmbedding embedding;
  std::vector<Block> blocks;
  at::Tensor merger_norm;  // [embed_dim]
  qwen::Merger merger;
};

Weights load_weights(const qwen::Loader& load,
                     const qwen::TowerConfig& config) {
  Weights weights;
  weights.embedding = qwen::PatchEmbedding::load(load, config);
  for (int i = 0; i < config.depth; ++i) {
    const std::string block = "visual.blocks." + std::to_string(i) + ".";
    weights.blocks.push_back(
        {.norm1 = load.tensor(block + "norm1.weight"),
         .norm2 = load.tensor(block + "norm2.weight"),
         .qkv = load.linear(block + "attn.qkv", true),
         .proj = load.linear(block + "attn.proj", true),
         .gate = load.linear(block + "mlp.gate_proj", true),
         .up = load.linear(block + "mlp.up_proj", true),
         .down = load.linear(block + "mlp.down_proj", true)});
  }
  weights.merger_norm = load.tensor("visual.merger.ln_q.weight");
  weights.merger = qwen::Merger::load(load);
  return weights;
}

at::Tensor norm(const at::Tensor& x, const at::Tensor& weight) {
  return qwen::rms_norm(x, weight, kRmsNormEps);
}

// x [patches, width], the rows of a token together -> the same, tokens in
// another order.
at::Tensor reordered(const at::Tensor& x, const at::Tensor& tokens) {
  return at::index_select(x.view({tokens.size(0), -1}), 0, tokens)
      .view(x.sizes());
}

class Tower final : public qwen::Tower {
 public:
  Tower(Weights weights, Config config)
      : weights_(std::move(weights)), config_(std::move(config)) {}

  at::Tensor features(const at::Tensor& patches, std::span<const Grid> grids,
                      collective::Collective* ranks) const override {
    const qwen::TowerConfig& tower = config_.vision;
    const at::Tensor given = weights_.embedding(patches);
    // Each patch keeps its rotation when it goes to its window.
    WindowOrder order =
        window_order(grids, tower.spatial_merge_size, config_.windows.side);
    const at::Tensor tokens = index_tensor(order.tokens, given.device());
    const qwen::Rotation straight =
        qwen::vision_rotation(grids, tower, given.device());
    const qwen::Rotation rotation = {reordered(straight.cos, tokens),
                                     reordered(straight.sin, tokens)};
    at::Tensor x = reordered(given, tokens);

    std::vector<qwen::PatchGroups> images;
    for (const Grid& grid : grids) {
      images.push_back({std::int64_t{grid.height} * grid.width});
    }
    const qwen::PatchAttention whole(std::move(images), tower.head_dim(),
                                     x.options());
    const qwen::PatchAttention windowed(std::move(order.windows),
                                        tower.head_dim(), x.options());
    for (std::size_t i = 0; i < weights_.blocks.size(); ++i) {
      const Block& block = weights_.blocks[i];
      const qwen::PatchAttention& attention =
          config_.windows.full(static_cast<int>(i)) ? whole : windowed;
      x = x + attention.attend(norm(x, block.norm1), block.qkv, block.proj,
                               rotation, ranks);
      const at::Tensor y = norm(x, block.norm2);
      x = x + summed_linear(
                  qwen::swiglu(linear(y, block.gate), linear(y, block.up)),
                  block.down, ranks);
    }
    const at::Tensor merged =
        weights_.merger(norm(x, weights_.merger_norm), tower, ranks);
    return at::empty_like(merged).index_copy_(0, tokens, merged);
  }

 private:
  // constant after construction
  const Weights weights_;
  const Config config_;
};

}  // namespace

std::unique_ptr<const qwen::Tower> load_tower(const qwen::Loader& load,
                                              const Config& config) {
  return std::make_unique<Tower>(load_weights(load, config.vision), config);
}

}  // namespace lens::model::qwen2_5_vl
