#include "model/qwen2_vl/weights.h"

#include <string>

#include "model/checkpoint/tensor_loader.h"
#include "model/qwen2_vl/shares.h"
#include "model/qwen2_vl/tensors.h"

namespace lens::model::qwen2_vl {
namespace {

// The layers that the weights are made of.
class Loader : public TensorLoader {
 public:
  using TensorLoader::TensorLoader;

  LinearWeights linear(const std::string& name, bool bias) const {
    LinearWeights linear;
    linear.weight = tensor(name + ".weight");
    if (bias) linear.bias = tensor(name + ".bias");
    return linear;
  }

  LayerNormWeights layer_norm(const std::string& name) const {
    return {tensor(name + ".weight"), tensor(name + ".bias")};
  }
};

VisionWeights load_vision(const Loader& load, const VisionConfig& config) {
  VisionWeights vision;
  // A convolution over whole patches, as the matrix that it is.
  vision.patch_embed = load.tensor("visual.patch_embed.proj.weight")
                           .reshape({config.embed_dim, config.patch_dim()});
  for (int i = 0; i < config.depth; ++i) {
    const std::string block = "visual.blocks." + std::to_string(i) + ".";
    vision.blocks.push_back({.norm1 = load.layer_norm(block + "norm1"),
                             .norm2 = load.layer_norm(block + "norm2"),
                             .qkv = load.linear(block + "attn.qkv", true),
                             .proj = load.linear(block + "attn.proj", true),
                             .fc1 = load.linear(block + "mlp.fc1", true),
                             .fc2 = load.linear(block + "mlp.fc2", true)});
  }
  vision.merger_norm = load.layer_norm("visual.merger.ln_q");
  vision.merger_fc1 = load.linear("visual.merger.mlp.0", true);
  vision.merger_fc2 = load.linear("visual.merger.mlp.2", true);
  return vision;
}

DecoderLayerWeights load_layer(const Loader& load, int index) {
  const std::string layer = "model.layers." + std::to_string(index) + ".";
  const std::string attention = layer + "self_attn.";
  return {.input_norm = load.tensor(layer + "input_layernorm.weight"),
          .post_attention_norm =
              load.tensor(layer + "post_attention_layernorm.weight"),
          .q = load.linear(attention + "q_proj", true),
          .k = load.linear(attention + "k_proj", true),
          .v = load.linear(attention + "v_proj", true),
          .o = load.linear(attention + "o_proj", false),
          .gate = load.linear(layer + "mlp.gate_proj", false),
          .up = load.linear(layer + "mlp.up_proj", false),
          .down = load.linear(layer + "mlp.down_proj", false)};
}

}  // namespace

Weights Weights::load(const std::filesystem::path& checkpoint,
                      const Config& config, at::ScalarType dtype,
                      at::Device device, const Ranks& ranks) {
  const Loader load(checkpoint, tensor_table(config), dtype, device,
                    cuts(config, ranks.share()), ranks);

  Weights weights;
  weights.vision = load_vision(load, config.vision);
  // Of head and embedding those that are in the files are used, whatever the
  // flag says; CheckpointFiles lets one be missing only where they are tied.
  const bool head = load.contains(kHeadTensor);
  const bool embedding = load.contains(kEmbeddingTensor);
  weights.text.embedding =
      load.tensor(embedding ? kEmbeddingTensor : kHeadTensor);
  for (int i = 0; i < config.text.num_layers; ++i) {
    weights.text.layers.push_back(load_layer(load, i));
  }
  weights.text.norm = load.tensor("model.norm.weight");
  weights.text.lm_head =
      head && embedding ? load.tensor(kHeadTensor) : weights.text.embedding;
  return weights;
}

}  // namespace lens::model::qwen2_vl
