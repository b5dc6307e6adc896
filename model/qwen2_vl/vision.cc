#include "model/qwen2_vl/vision.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "model/cuda/fused.h"

namespace lens::model::qwen2_vl {
namespace {

// Not in config.json: a constant of transformers' code.
constexpr double kLayerNormEps = 1e-6;

at::Tensor layer_norm(const at::Tensor& x, const LayerNormWeights& weights) {
  return at::layer_norm(x, {x.size(-1)}, weights.weight, weights.bias,
                        kLayerNormEps);
}

at::Tensor quick_gelu(const at::Tensor& x) {
  if (cuda::fuses(x)) return cuda::quick_gelu(x);
  // Each of the three steps rounds to the dtype; so does the kernel.
  return x * at::sigmoid(1.702 * x);
}

// What stays the same from block to block.
struct Pack {
  std::span<const Grid> grids;
  Rotation rotation;  // of all patches
  collective::Collective* ranks;
  // Of the images, where one call of it does them all.
  std::optional<cuda::PackedAttention> packed;
};

std::optional<cuda::PackedAttention> packed_attention(
    std::span<const Grid> grids, const VisionConfig& config,
    const at::TensorOptions& options) {
  if (!cuda::PackedAttention::takes(options, config.head_dim())) {
    return std::nullopt;
  }
  cuda::PackedAttention packed;
  std::vector<std::int32_t> begins = {0};
  for (const Grid& grid : grids) {
    const std::int32_t patches = grid.height * grid.width;
    begins.push_back(begins.back() + patches);
    packed.longest_q = std::max<std::int64_t>(packed.longest_q, patches);
  }
  // A patch sees all of its image and nothing else: keys are cut as queries
  // are.
  packed.longest_k = packed.longest_q;
  packed.q_begins = at::tensor(begins, at::kInt).to(options.device());
  packed.k_begins = packed.q_begins;
  return packed;
}

// What each patch takes from its image, [patches, heads * head_dim].
//   qkv  [patches, 3, heads, head_dim]  of the heads of this rank: q of all,
//                                       then k, then v
at::Tensor mix_patches(const at::Tensor& qkv, const Pack& pack) {
  const std::int64_t patches = qkv.size(0);
  const at::Tensor q = rotate(qkv.select(1, 0), pack.rotation);
  const at::Tensor k = rotate(qkv.select(1, 1), pack.rotation);
  const at::Tensor v = qkv.select(1, 2);
  if (pack.packed) return pack.packed->attend(q, k, v).reshape({patches, -1});

  std::vector<at::Tensor> outputs;
  std::int64_t begin = 0;
  for (const Grid& grid : pack.grids) {
    const std::int64_t length = std::int64_t{grid.height} * grid.width;
    // [1, heads, length, head_dim]
    const auto segment = [&](const at::Tensor& part) {
      return part.narrow(0, begin, length).transpose(0, 1).unsqueeze(0);
    };
    const at::Tensor mixed =
        at::scaled_dot_product_attention(segment(q), segment(k), segment(v));
    outputs.push_back(mixed.squeeze(0).transpose(0, 1).reshape({length, -1}));
    begin += length;
  }
  return at::cat(outputs, 0);
}

// x [patches, embed_dim].
at::Tensor attention(const at::Tensor& x, const VisionBlockWeights& block,
                     const VisionConfig& config, const Pack& pack) {
  const std::int64_t patches = x.size(0);
  const std::int64_t width = block.proj.weight.size(1);
  // A rank without a head adds zeros to the sum.
  const at::Tensor mixed =
      width == 0
          ? at::empty({patches, 0}, x.options())
          : mix_patches(
                linear(x, block.qkv).view({patches, 3, -1, config.head_dim()}),
                pack);
  return summed_linear(mixed, block.proj, pack.ranks);
}

}  // namespace

at::Tensor vision_features(const VisionWeights& weights,
                           const VisionConfig& config,
                           const at::Tensor& patches,
                           std::span<const Grid> grids,
                           collective::Collective* ranks) {
  const at::TensorOptions options = weights.patch_embed.options();
  const Pack pack{grids, vision_rotation(grids, config, options.device()),
                  ranks, packed_attention(grids, config, options)};

  // A convolution whose kernel is its stride is one matrix product.
  // Its columns come as those of a patch: channel, frame, row, column.
  at::Tensor x = at::linear(patches.to(options), weights.patch_embed);
  for (const VisionBlockWeights& block : weights.blocks) {
    x = x + attention(layer_norm(x, block.norm1), block, config, pack);
    x = x +
        summed_linear(quick_gelu(linear(layer_norm(x, block.norm2), block.fc1)),
                      block.fc2, ranks);
  }
  // Four consecutive rows are one 2 x 2 block.
  const at::Tensor merged =
      layer_norm(x, weights.merger_norm)
          .view({-1, std::int64_t{config.embed_dim} * config.merge_area()});
  // The exact GELU (erf), unlike that of the blocks.
  return summed_linear(at::gelu(linear(merged, weights.merger_fc1)),
                       weights.merger_fc2, ranks);
}

}  // namespace lens::model::qwen2_vl
