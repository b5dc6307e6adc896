#include "worker/model/weights.h"

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "worker/error.h"
#include "worker/model/safetensors.h"

namespace lens::model {
namespace {

using nlohmann::json;
using Shape = std::vector<std::int64_t>;

std::string to_text(at::IntArrayRef shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (i > 0) text += ", ";
    text += std::to_string(shape[i]);
  }
  return text + "]";
}

// The official spelling of a tensor name.
std::string official_name(const std::string& name) {
  const auto starts = [&](const char* prefix) {
    return name.rfind(prefix, 0) == 0;
  };
  if (starts("model.visual.")) return name.substr(6);
  if (starts("model.language_model.")) return "model." + name.substr(21);
  return name;
}

// The files of a checkpoint seen as one table of tensors.
class Checkpoint {
 public:
  explicit Checkpoint(const std::filesystem::path& folder) : folder_(folder) {
    const auto index = folder / "model.safetensors.index.json";
    if (std::filesystem::exists(index)) {
      open_shards(index);
    } else {
      open("model.safetensors");
      for (const auto& [name, entry] : files_.begin()->second.entries()) {
        add(name, files_.begin()->first);
      }
    }
  }

  bool contains(const std::string& name) const { return place_.contains(name); }

  // The tensor, checked against the shape that the config gives it.
  at::Tensor tensor(const std::string& name, const Shape& shape) const {
    const auto found = place_.find(name);
    if (found == place_.end()) {
      throw InputError("tensor " + name + " is missing in " + folder_.string(),
                       "the config asks for it",
                       "download the checkpoint again");
    }
    at::Tensor tensor =
        files_.at(found->second.file).tensor(found->second.stored_name);
    if (tensor.sizes() != at::IntArrayRef(shape)) {
      throw InputError("tensor " + name + " of " + folder_.string() +
                           " has shape " + to_text(tensor.sizes()),
                       "the config asks for " + to_text(shape),
                       "config.json and weights do not belong together");
    }
    if (tensor.scalar_type() != at::kFloat &&
        tensor.scalar_type() != at::kBFloat16 &&
        tensor.scalar_type() != at::kHalf) {
      throw InputError("tensor " + name + " of " + folder_.string() +
                           " has an integer or float64 dtype",
                       "BF16, F16 or F32 are read", "convert the checkpoint");
    }
    return tensor;
  }

 private:
  struct Place {
    std::string file;
    std::string stored_name;
  };

  void open(const std::string& file) {
    files_.emplace(file, SafetensorsFile(folder_ / file));
  }

  void add(const std::string& stored_name, const std::string& file) {
    const auto [at, fresh] =
        place_.emplace(official_name(stored_name), Place{file, stored_name});
    if (!fresh) {
      throw InputError("refused " + folder_.string(),
                       "it holds " + at->first + " under two names",
                       "download the checkpoint again");
    }
  }

  void open_shards(const std::filesystem::path& index) {
    const auto refuse = [&](const std::string& why) {
      throw InputError("cannot use " + index.string(), why,
                       "download the checkpoint again");
    };
    std::ifstream in(index, std::ios::binary);
    const json root = json::parse(in, nullptr, false);
    if (!root.is_object() || !root.contains("weight_map") ||
        !root["weight_map"].is_object() || root["weight_map"].empty()) {
      refuse("no weight_map");
    }
    for (const auto& [name, file] : root["weight_map"].items()) {
      if (!file.is_string()) refuse("weight_map names no file for " + name);
      const std::string shard = file.get<std::string>();
      // Invariant: a shard lies in the checkpoint folder itself.
      if (shard.empty() || shard.find('/') != std::string::npos ||
          shard == "..") {
        refuse("weight_map names the file \"" + shard + "\"");
      }
      if (!files_.contains(shard)) open(shard);
      if (!files_.at(shard).contains(name)) {
        refuse("tensor " + name + " is not in " + shard);
      }
      add(name, shard);
    }
  }

  std::filesystem::path folder_;
  std::map<std::string, SafetensorsFile> files_;
  std::map<std::string, Place> place_;
};

// Fetches tensors and brings them to dtype and device.
class Loader {
 public:
  Loader(const Checkpoint& checkpoint, at::ScalarType dtype, at::Device device)
      : checkpoint_(checkpoint), dtype_(dtype), device_(device) {}

  at::Tensor tensor(const std::string& name, const Shape& shape) const {
    return checkpoint_.tensor(name, shape).to(device_, dtype_);
  }

  LinearWeights linear(const std::string& name, std::int64_t out,
                       std::int64_t in, bool bias) const {
    LinearWeights linear;
    linear.weight = tensor(name + ".weight", {out, in});
    if (bias) linear.bias = tensor(name + ".bias", {out});
    return linear;
  }

  LayerNormWeights layer_norm(const std::string& name,
                              std::int64_t size) const {
    return {tensor(name + ".weight", {size}), tensor(name + ".bias", {size})};
  }

 private:
  const Checkpoint& checkpoint_;
  at::ScalarType dtype_;
  at::Device device_;
};

VisionWeights load_vision(const Loader& load, const VisionConfig& config) {
  const std::int64_t width = config.embed_dim;
  const std::int64_t merged = width * config.merge_area();
  VisionWeights vision;
  vision.patch_embed =
      load.tensor("visual.patch_embed.proj.weight",
                  {width, config.in_channels, config.temporal_patch_size,
                   config.patch_size, config.patch_size})
          .reshape({width, config.patch_dim()});
  for (int i = 0; i < config.depth; ++i) {
    const std::string block = "visual.blocks." + std::to_string(i) + ".";
    vision.blocks.push_back(
        {.norm1 = load.layer_norm(block + "norm1", width),
         .norm2 = load.layer_norm(block + "norm2", width),
         .qkv = load.linear(block + "attn.qkv", 3 * width, width, true),
         .proj = load.linear(block + "attn.proj", width, width, true),
         .fc1 = load.linear(block + "mlp.fc1", config.mlp_dim(), width, true),
         .fc2 = load.linear(block + "mlp.fc2", width, config.mlp_dim(), true)});
  }
  vision.merger_norm = load.layer_norm("visual.merger.ln_q", width);
  vision.merger_fc1 = load.linear("visual.merger.mlp.0", merged, merged, true);
  vision.merger_fc2 =
      load.linear("visual.merger.mlp.2", config.hidden_size, merged, true);
  return vision;
}

DecoderLayerWeights load_layer(const Loader& load, const TextConfig& config,
                               int index) {
  const std::string layer = "model.layers." + std::to_string(index) + ".";
  const std::string attention = layer + "self_attn.";
  const std::int64_t hidden = config.hidden_size;
  const std::int64_t kv = std::int64_t{config.num_kv_heads} * config.head_dim();
  const std::int64_t inner = config.intermediate_size;
  return {.input_norm = load.tensor(layer + "input_layernorm.weight", {hidden}),
          .post_attention_norm =
              load.tensor(layer + "post_attention_layernorm.weight", {hidden}),
          .q = load.linear(attention + "q_proj", hidden, hidden, true),
          .k = load.linear(attention + "k_proj", kv, hidden, true),
          .v = load.linear(attention + "v_proj", kv, hidden, true),
          .o = load.linear(attention + "o_proj", hidden, hidden, false),
          .gate = load.linear(layer + "mlp.gate_proj", inner, hidden, false),
          .up = load.linear(layer + "mlp.up_proj", inner, hidden, false),
          .down = load.linear(layer + "mlp.down_proj", hidden, inner, false)};
}

}  // namespace

Weights Weights::load(const std::filesystem::path& checkpoint,
                      const ModelConfig& config, at::ScalarType dtype,
                      at::Device device) {
  const Checkpoint files(checkpoint);
  const Loader load(files, dtype, device);
  const TextConfig& text = config.text;

  Weights weights;
  weights.vision = load_vision(load, config.vision);
  weights.text.embedding = load.tensor("model.embed_tokens.weight",
                                       {text.vocab_size, text.hidden_size});
  for (int i = 0; i < text.num_layers; ++i) {
    weights.text.layers.push_back(load_layer(load, text, i));
  }
  weights.text.norm = load.tensor("model.norm.weight", {text.hidden_size});
  // A head that is in the files is used whatever the flag says; one that is not
  // there is tied.
  weights.text.lm_head =
      files.contains("lm_head.weight")
          ? load.tensor("lm_head.weight", {text.vocab_size, text.hidden_size})
          : weights.text.embedding;
  return weights;
}

}  // namespace lens::model
