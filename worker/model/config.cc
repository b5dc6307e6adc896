#include "worker/model/config.h"

#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "worker/error.h"

namespace lens::model {
namespace {

using nlohmann::json;

json read_json(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) {
    throw InputError("cannot open " + file.string(), "no such file",
                     "give the folder of a Qwen2-VL checkpoint");
  }
  json value = json::parse(in, nullptr, /*allow_exceptions=*/false);
  if (!value.is_object()) {
    throw InputError("cannot read " + file.string(), "not a JSON object",
                     "download the checkpoint again");
  }
  return value;
}

// Looks keys up in the nested section first, then at the top level: where both
// are present, the nested one is what transformers uses.
class Section {
 public:
  Section(const json& root, const char* nested, bool fall_back,
          std::string file)
      : root_(fall_back ? &root : nullptr), file_(std::move(file)) {
    const auto found = root.find(nested);
    if (found != root.end() && found->is_object()) nested_ = &*found;
  }

  const json* find(const char* key) const {
    for (const json* place : {nested_, root_}) {
      if (!place) continue;
      const auto found = place->find(key);
      if (found != place->end() && !found->is_null()) return &*found;
    }
    return nullptr;
  }

  std::int64_t integer(const char* key, std::int64_t fallback, std::int64_t low,
                       std::int64_t high) const {
    const json* value = find(key);
    if (!value) return check(key, fallback, low, high);
    if (!value->is_number_integer()) reject(key, "is not an integer");
    return check(key, value->get<std::int64_t>(), low, high);
  }

  std::int64_t required(const char* key, std::int64_t low,
                        std::int64_t high) const {
    if (!find(key)) reject(key, "is missing");
    return integer(key, 0, low, high);
  }

  double number(const char* key, double fallback) const {
    const json* value = find(key);
    if (!value) return fallback;
    if (!value->is_number()) reject(key, "is not a number");
    const double number = value->get<double>();
    if (!(number > 0) || !(number < 1e12)) reject(key, "is out of range");
    return number;
  }

  bool boolean(const char* key, bool fallback) const {
    const json* value = find(key);
    if (!value) return fallback;
    if (!value->is_boolean()) reject(key, "is not true or false");
    return value->get<bool>();
  }

  std::string string(const char* key, const std::string& fallback) const {
    const json* value = find(key);
    if (!value) return fallback;
    if (!value->is_string()) reject(key, "is not a string");
    return value->get<std::string>();
  }

  [[noreturn]] void reject(const std::string& key,
                           const std::string& why) const {
    throw InputError("cannot use " + file_, key + " " + why,
                     "check that it is the config of a Qwen2-VL checkpoint");
  }

 private:
  std::int64_t check(const char* key, std::int64_t value, std::int64_t low,
                     std::int64_t high) const {
    if (value < low || value > high) {
      reject(key, "= " + std::to_string(value) + " is not in " +
                      std::to_string(low) + ".." + std::to_string(high));
    }
    return value;
  }

  const json* nested_ = nullptr;
  const json* root_;
  std::string file_;
};

// rope_theta and mrope_section: in rope_parameters (v5), or in rope_scaling
// and beside it.
void read_rope(const Section& section, TextConfig* text) {
  text->rope_theta = section.number("rope_theta", text->rope_theta);
  for (const char* key : {"rope_scaling", "rope_parameters"}) {
    const json* rope = section.find(key);
    if (!rope) continue;
    if (!rope->is_object()) section.reject(key, "is not an object");
    std::string type = "default";
    for (const char* name : {"type", "rope_type"}) {
      const auto found = rope->find(name);
      if (found == rope->end() || found->is_null()) continue;
      if (!found->is_string()) section.reject(key, "has no name as its type");
      type = found->get<std::string>();
    }
    if (type != "default" && type != "mrope") {
      section.reject(key, "has type \"" + type + "\", which is not supported");
    }
    if (const auto theta = rope->find("rope_theta"); theta != rope->end()) {
      if (!theta->is_number() || !(theta->get<double>() > 0)) {
        section.reject("rope_theta", "is not a positive number");
      }
      text->rope_theta = theta->get<double>();
    }
    if (const auto list = rope->find("mrope_section"); list != rope->end()) {
      if (!list->is_array() || list->size() != 3) {
        section.reject("mrope_section", "is not a list of three integers");
      }
      for (int axis = 0; axis < 3; ++axis) {
        const json& length = (*list)[axis];
        if (!length.is_number_integer() || length.get<std::int64_t>() < 0 ||
            length.get<std::int64_t>() > 1 << 16) {
          section.reject("mrope_section", "is not a list of three integers");
        }
        text->mrope_section[axis] = length.get<int>();
      }
    }
  }
}

TextConfig read_text(const Section& section) {
  constexpr std::int64_t kMaxWidth = 1 << 20;
  TextConfig text;
  text.hidden_size =
      static_cast<int>(section.required("hidden_size", 1, kMaxWidth));
  text.num_layers =
      static_cast<int>(section.required("num_hidden_layers", 1, 10000));
  text.num_heads =
      static_cast<int>(section.required("num_attention_heads", 1, 65536));
  text.num_kv_heads = static_cast<int>(
      section.integer("num_key_value_heads", text.num_heads, 1, 65536));
  text.intermediate_size =
      static_cast<int>(section.required("intermediate_size", 1, kMaxWidth * 8));
  text.vocab_size = section.required("vocab_size", 1, 1 << 24);
  text.rms_norm_eps = section.number("rms_norm_eps", text.rms_norm_eps);
  text.max_position_embeddings = section.integer(
      "max_position_embeddings", text.max_position_embeddings, 1, 1 << 30);
  read_rope(section, &text);

  if (text.hidden_size % text.num_heads != 0) {
    section.reject("hidden_size", "is not a multiple of num_attention_heads");
  }
  if (text.num_heads % text.num_kv_heads != 0) {
    section.reject("num_attention_heads",
                   "is not a multiple of num_key_value_heads");
  }
  const int half =
      text.mrope_section[0] + text.mrope_section[1] + text.mrope_section[2];
  if (text.head_dim() % 2 != 0 || 2 * half != text.head_dim()) {
    section.reject("mrope_section", "does not sum to half the head dimension " +
                                        std::to_string(text.head_dim()));
  }
  if (const std::string act = section.string("hidden_act", "silu");
      act != "silu") {
    section.reject("hidden_act", "\"" + act + "\" is not supported");
  }
  if (section.boolean("use_sliding_window", false) &&
      section.integer("max_window_layers", 80, 0, 1 << 20) < text.num_layers) {
    section.reject("use_sliding_window", "is on, which is not supported");
  }
  return text;
}

VisionConfig read_vision(const Section& section, int text_hidden_size) {
  VisionConfig vision;
  const auto positive = [&](const char* key, int fallback) {
    return static_cast<int>(section.integer(key, fallback, 1, 1 << 20));
  };
  vision.depth =
      static_cast<int>(section.integer("depth", vision.depth, 1, 10000));
  vision.embed_dim = positive("embed_dim", vision.embed_dim);
  vision.num_heads = positive("num_heads", vision.num_heads);
  vision.mlp_ratio =
      static_cast<int>(section.integer("mlp_ratio", vision.mlp_ratio, 1, 256));
  vision.hidden_size = positive("hidden_size", vision.hidden_size);
  vision.in_channels = positive("in_channels", vision.in_channels);
  vision.patch_size = positive("patch_size", vision.patch_size);
  vision.spatial_merge_size =
      positive("spatial_merge_size", vision.spatial_merge_size);
  vision.temporal_patch_size =
      positive("temporal_patch_size", vision.temporal_patch_size);
  if (const json* rope = section.find("rope_parameters");
      rope && rope->is_object()) {
    const auto theta = rope->find("rope_theta");
    if (theta != rope->end() &&
        (!theta->is_number() || !(theta->get<double>() > 0))) {
      section.reject("vision_config.rope_theta", "is not a positive number");
    }
    if (theta != rope->end()) vision.rope_theta = theta->get<double>();
  }
  if (vision.embed_dim % vision.num_heads != 0 || vision.head_dim() % 4 != 0) {
    section.reject("vision_config.embed_dim",
                   "is not a multiple of 4 * num_heads");
  }
  if (vision.in_channels != 3 || vision.patch_size > 1024 ||
      vision.spatial_merge_size > 16 || vision.temporal_patch_size > 16) {
    section.reject("vision_config", "has patches that are not supported");
  }
  if (vision.hidden_size != text_hidden_size) {
    section.reject("vision_config.hidden_size",
                   "= " + std::to_string(vision.hidden_size) +
                       " is not the decoder's hidden_size " +
                       std::to_string(text_hidden_size));
  }
  if (const std::string act = section.string("hidden_act", "quick_gelu");
      act != "quick_gelu") {
    section.reject("vision_config.hidden_act",
                   "\"" + act + "\" is not supported");
  }
  return vision;
}

std::vector<std::int64_t> token_ids(const json* value) {
  std::vector<std::int64_t> ids;
  if (!value) return ids;
  const json list = value->is_array() ? *value : json::array({*value});
  for (const json& id : list) {
    if (id.is_number_integer()) ids.push_back(id.get<std::int64_t>());
  }
  return ids;
}

}  // namespace

ModelConfig ModelConfig::load(const std::filesystem::path& checkpoint) {
  const auto file = checkpoint / "config.json";
  const json root = read_json(file);
  const Section text(root, "text_config", /*fall_back=*/true, file.string());
  const Section vision(root, "vision_config", false, file.string());

  ModelConfig config;
  const Section top(root, "", true, file.string());
  if (const std::string family = top.string("model_type", "qwen2_vl");
      family != "qwen2_vl") {
    throw InputError("cannot use " + file.string(),
                     "model_type is \"" + family + "\", not qwen2_vl",
                     "give a Qwen2-VL checkpoint");
  }
  config.text = read_text(text);
  config.vision = read_vision(vision, config.text.hidden_size);
  // Either place may say so; transformers ties when one of them does.
  config.tie_word_embeddings = top.boolean("tie_word_embeddings", false) ||
                               text.boolean("tie_word_embeddings", false);
  config.dtype = text.string("dtype", text.string("torch_dtype", ""));

  const auto id = [&](const char* key, std::int64_t fallback) {
    return text.integer(key, fallback, 0, config.text.vocab_size - 1);
  };
  config.image_token_id = id("image_token_id", config.image_token_id);
  config.vision_start_token_id =
      id("vision_start_token_id", config.vision_start_token_id);
  config.vision_end_token_id =
      id("vision_end_token_id", config.vision_end_token_id);

  config.eos_token_ids = token_ids(text.find("eos_token_id"));
  const auto generation = checkpoint / "generation_config.json";
  if (std::filesystem::exists(generation)) {
    const json values = read_json(generation);
    const Section section(values, "", true, generation.string());
    if (const json* eos = section.find("eos_token_id")) {
      config.eos_token_ids = token_ids(eos);
    }
    config.repetition_penalty =
        section.number("repetition_penalty", config.repetition_penalty);
  }
  if (config.eos_token_ids.empty()) config.eos_token_ids = {151645};
  return config;
}

}  // namespace lens::model
