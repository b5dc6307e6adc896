#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <vector>

#include "model/qwen2_vl/config.h"
#include "model/qwen2_vl/linear.h"
#include "model/ranks.h"

namespace lens::model::qwen2_vl {

struct LayerNormWeights {
  at::Tensor weight;  // [embed_dim]
  at::Tensor bias;    // [embed_dim]
};

struct VisionBlockWeights {
  LayerNormWeights norm1, norm2;
  LinearWeights qkv, proj, fc1, fc2;
};

struct VisionWeights {
  at::Tensor patch_embed;  // [embed_dim, patch_dim]
  std::vector<VisionBlockWeights> blocks;
  LayerNormWeights merger_norm;
  LinearWeights merger_fc1, merger_fc2;
};

struct DecoderLayerWeights {
  at::Tensor input_norm;           // [hidden]
  at::Tensor post_attention_norm;  // [hidden]
  LinearWeights q, k, v, o;
  LinearWeights gate, up, down;
};

struct TextWeights {
  at::Tensor embedding;  // [vocab, hidden]
  std::vector<DecoderLayerWeights> layers;
  at::Tensor norm;     // [hidden]
  at::Tensor lm_head;  // [vocab, hidden], the embedding itself where tied
};

// All weights of a checkpoint in one dtype on one device, or what one rank
// holds of them (model/qwen2_vl/shares.h): sizes are then those of its share.
struct Weights {
  VisionWeights vision;
  TextWeights text;

  // Reads the files that CheckpointFiles finds and checks. On the CPU and
  // without a change of dtype the tensors are views of the mapped files. Throws
  // lens::InputError.
  static Weights load(const std::filesystem::path& checkpoint,
                      const Config& config, at::ScalarType dtype,
                      at::Device device, const Ranks& ranks = {});
};

}  // namespace lens::model::qwen2_vl
