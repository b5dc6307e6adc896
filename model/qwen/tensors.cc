#include "model/qwen/tensors.h"

#include <map>
#include <string>

namespace lens::model::qwen {
namespace {

using Shapes = std::map<std::string, TensorShape>;

void add_linear(const std::string& name, std::int64_t out, std::int64_t in,
                bool bias, Shapes& shapes) {
  shapes[name + ".weight"] = {out, in};
  if (bias) shapes[name + ".bias"] = {out};
}

void add_tower(const TowerConfig& config, Shapes& shapes) {
  const std::int64_t width = config.embed_dim;
  const std::int64_t merged = config.merged_dim();
  const auto add_norm = [&](const std::string& name) {
    shapes[name + ".weight"] = {width};
    if (config.layers.norms_have_bias) shapes[name + ".bias"] = {width};
  };
  shapes["visual.patch_embed.proj.weight"] = {
      width, config.in_channels, config.temporal_patch_size, config.patch_size,
      config.patch_size};
  for (int i = 0; i < config.depth; ++i) {
    const std::string block = "visual.blocks." + std::to_string(i) + ".";
    add_norm(block + "norm1");
    add_norm(block + "norm2");
    // q of all heads, then k, then v.
    add_linear(block + "attn.qkv", 3 * width, width, true, shapes);
    add_linear(block + "attn.proj", width, width, true, shapes);
    for (const std::string& maker : config.layers.unit_makers) {
      add_linear(block + maker, config.mlp_dim, width, true, shapes);
    }
    add_linear(block + config.layers.unit_reader, width, config.mlp_dim, true,
               shapes);
  }
  add_norm("visual.merger.ln_q");
  add_linear("visual.merger.mlp.0", merged, merged, true, shapes);
  add_linear("visual.merger.mlp.2", config.out_hidden_size, merged, true,
             shapes);
}

void add_layer(const TextConfig& config, int index, Shapes& shapes) {
  const std::string layer = "model.layers." + std::to_string(index) + ".";
  const std::string attention = layer + "self_attn.";
  const std::int64_t hidden = config.hidden_size;
  // Fewer than of queries: groups of heads share a key head.
  const std::int64_t kv = std::int64_t{config.num_kv_heads} * config.head_dim();
  const std::int64_t inner = config.intermediate_size;
  shapes[layer + "input_layernorm.weight"] = {hidden};
  shapes[layer + "post_attention_layernorm.weight"] = {hidden};
  add_linear(attention + "q_proj", hidden, hidden, true, shapes);
  add_linear(attention + "k_proj", kv, hidden, true, shapes);
  add_linear(attention + "v_proj", kv, hidden, true, shapes);
  add_linear(attention + "o_proj", hidden, hidden, false, shapes);
  add_linear(layer + "mlp.gate_proj", inner, hidden, false, shapes);
  add_linear(layer + "mlp.up_proj", inner, hidden, false, shapes);
  add_linear(layer + "mlp.down_proj", hidden, inner, false, shapes);
}

}  // namespace

TensorTable tensor_table(const Config& config) {
  const TextConfig& text = config.text;
  TensorTable table{.shapes = {},
                    .head = kHeadTensor,
                    .embedding = kEmbeddingTensor,
                    .tied = config.tie_word_embeddings,
                    // As transformers has them in memory since 4.52.
                    .spellings = {{"model.visual.", "visual."},
                                  {"model.language_model.", "model."}}};
  Shapes& shapes = table.shapes;
  add_tower(config.vision, shapes);
  shapes[kEmbeddingTensor] = {text.vocab_size, text.hidden_size};
  for (int i = 0; i < text.num_layers; ++i) add_layer(text, i, shapes);
  shapes["model.norm.weight"] = {text.hidden_size};
  shapes[kHeadTensor] = {text.vocab_size, text.hidden_size};
  return table;
}

}  // namespace lens::model::qwen
