#include "model/qwen/weights.h"

#include "model/qwen/tensors.h"

namespace lens::model::qwen {
namespace {

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

LinearWeights Loader::linear(const std::string& name, bool bias) const {
  LinearWeights linear;
  linear.weight = tensor(name + ".weight");
  if (bias) linear.bias = tensor(name + ".bias");
  return linear;
}

TextWeights load_text(const Loader& load, const Config& config) {
  TextWeights text;
  // Of head and embedding those that are in the files are used, whatever the
  // flag says; CheckpointFiles lets one be missing only where they are tied.
  const bool head = load.contains(kHeadTensor);
  const bool embedding = load.contains(kEmbeddingTensor);
  text.embedding = load.tensor(embedding ? kEmbeddingTensor : kHeadTensor);
  for (int i = 0; i < config.text.num_layers; ++i) {
    text.layers.push_back(load_layer(load, i));
  }
  text.norm = load.tensor("model.norm.weight");
  text.lm_head = head && embedding ? load.tensor(kHeadTensor) : text.embedding;
  return text;
}

}  // namespace lens::model::qwen
