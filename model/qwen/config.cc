#include "model/qwen/config.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "input/file/json_object.h"
#include "model/checkpoint/config_section.h"

namespace lens::model::qwen {
namespace {

using nlohmann::json;

// What transformers 5.17 takes where config.json names none.
constexpr std::int64_t kDefaultEndId = 151645;
constexpr int kDefaultKvHeads = 8;

void read_mrope_section(const JsonSection& section, const json& list,
                        TextConfig* text) {
  if (!list.is_array() || list.size() != 3) {
    section.reject("mrope_section", "is not a list of three integers");
  }
  for (int axis = 0; axis < 3; ++axis) {
    const json& length = list[axis];
    if (!length.is_number_integer() || length.get<std::int64_t>() < 0 ||
        length.get<std::int64_t>() > 1 << 16) {
      section.reject("mrope_section", "is not a list of three integers");
    }
    text->mrope_section[axis] = length.get<int>();
  }
}

// rope_scaling, or else rope_parameters (v5), as a whole; rope_theta in it, or
// else beside it.
void read_rope(const JsonSection& section, TextConfig* text) {
  text->rope_theta = section.number_or("rope_theta", text->rope_theta);
  const json* scaling = section.find("rope_scaling");
  const bool scaled = scaling && !scaling->empty();
  const char* key = scaled ? "rope_scaling" : "rope_parameters";
  const auto rope = section.find_section(key);
  if (!rope) return;
  const JsonSection inner = rope->without_place();
  const std::string type =
      inner.string_or("rope_type", inner.string_or("type", "default"));
  if (type != "default" && type != "mrope") {
    section.reject(key, "has type \"" + type + "\", which is not supported");
  }
  text->rope_theta = inner.number_or("rope_theta", text->rope_theta);
  if (const json* list = inner.find("mrope_section")) {
    read_mrope_section(section, *list, text);
  }
}

// Every layer sees all tokens before it.
void check_attention(const JsonSection& section, int num_layers) {
  // A null sliding_window turns it off, a missing one is the class default.
  const bool windowed =
      section.boolean_or("use_sliding_window", false) &&
      (section.find("sliding_window") || !section.contains("sliding_window"));
  const json* types = section.find("layer_types");
  if (!types) {
    if (windowed &&
        section.integer_or("max_window_layers", 80, 0, 1 << 20) < num_layers) {
      section.reject("use_sliding_window", "is on, which is not supported");
    }
    return;
  }
  if (!types->is_array()) section.reject("layer_types", "is not a list");
  for (const json& type : *types) {
    if (type != "full_attention") {
      section.reject("layer_types",
                     "names another attention than full_attention, which is "
                     "not supported");
    }
  }
}

TextConfig read_text(const JsonSection& section) {
  // Far above any model; products of sizes then stay far from overflow.
  constexpr std::int64_t kMaxWidth = 1 << 20;
  TextConfig text;
  text.hidden_size = section.integer<int>("hidden_size", 1, kMaxWidth);
  text.num_layers = section.integer<int>("num_hidden_layers", 1, 10000);
  text.num_heads = section.integer<int>("num_attention_heads", 1, 65536);
  // Null means as many as heads, a missing key the class default.
  text.num_kv_heads = section.integer_or("num_key_value_heads",
                                         section.contains("num_key_value_heads")
                                             ? text.num_heads
                                             : kDefaultKvHeads,
                                         1, 65536);
  text.intermediate_size =
      section.integer<int>("intermediate_size", 1, kMaxWidth * 8);
  text.vocab_size = section.integer("vocab_size", 1, 1 << 24);
  text.rms_norm_eps = section.number_or("rms_norm_eps", text.rms_norm_eps);
  text.max_position_embeddings = section.integer_or(
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
  if (const std::string act = section.string_or("hidden_act", "silu");
      act != "silu") {
    section.reject("hidden_act", "\"" + act + "\" is not supported");
  }
  check_attention(section, text.num_layers);
  return text;
}

[[noreturn]] void refuse_quantised(const std::filesystem::path& file,
                                   const json& settings) {
  std::string method = "a method without a name";
  if (settings.is_object()) {
    if (settings.contains("quant_method") &&
        settings["quant_method"].is_string()) {
      method = settings["quant_method"].get<std::string>();
    } else if (settings.value("load_in_4bit", json()) == json(true) ||
               settings.value("load_in_8bit", json()) == json(true)) {
      method = "bitsandbytes";
    }
  }
  throw InputError("cannot use " + file.string(),
                   "its quantization_config says that the weights are "
                   "quantised by " +
                       method.substr(0, 60),
                   "give the plain checkpoint, with weights in BF16, F16 or "
                   "F32");
}

void check_plain(const std::filesystem::path& file, const json& section) {
  for (const char* key : {"quantization_config", "compression_config"}) {
    const auto found = section.find(key);
    if (found != section.end() && !found->is_null()) {
      refuse_quantised(file, *found);
    }
  }
}

// Keys of the decoder that stand beside a text_config with another value:
// transformers reads the inner ones alone.
void note_outer_keys(const json& root, const json& text,
                     std::vector<std::string>& notes) {
  std::string keys;
  for (const char* key :
       {"hidden_size", "num_hidden_layers", "num_attention_heads",
        "num_key_value_heads", "intermediate_size", "vocab_size",
        "rms_norm_eps", "rope_theta", "rope_scaling", "rope_parameters",
        "hidden_act", "max_position_embeddings", "use_sliding_window",
        "eos_token_id"}) {
    if (!root.contains(key) || root[key] == text.value(key, json())) continue;
    keys += (keys.empty() ? "" : ", ") + std::string(key);
  }
  if (!keys.empty()) {
    notes.push_back("config.json: " + keys +
                    " beside text_config not read, only what is in it");
  }
}

// Either place may say so; transformers ties when one of them does.
bool read_tie(const JsonSection& top, const JsonSection& text,
              std::vector<std::string>& notes) {
  constexpr const char* kKey = "tie_word_embeddings";
  const bool outer = top.boolean_or(kKey, false);
  const bool inner = text.boolean_or(kKey, false);
  if (outer != inner && top.find(kKey) && text.find(kKey)) {
    notes.push_back(std::string("config.json: ") + kKey +
                    " is true in one place and false in another: true counts");
  }
  return outer || inner;
}

}  // namespace

TowerConfig read_tower(const JsonSection& section, const TowerKeys& keys,
                       TowerConfig tower, int text_hidden_size) {
  const auto positive = [&](const char* key, int fallback) {
    return section.integer_or(key, fallback, 1, 1 << 20);
  };
  tower.depth = section.integer_or("depth", tower.depth, 1, 10000);
  tower.embed_dim = positive(keys.embed_dim, tower.embed_dim);
  tower.num_heads = positive("num_heads", tower.num_heads);
  // transformers takes it for another spelling of the same.
  if (positive("num_attention_heads", tower.num_heads) != tower.num_heads) {
    section.reject("vision_config",
                   "has num_attention_heads that are not its num_heads");
  }
  tower.out_hidden_size = positive(keys.out_hidden_size, tower.out_hidden_size);
  tower.in_channels = positive("in_channels", tower.in_channels);
  tower.patch_size = positive("patch_size", tower.patch_size);
  tower.spatial_merge_size =
      positive("spatial_merge_size", tower.spatial_merge_size);
  tower.temporal_patch_size =
      positive("temporal_patch_size", tower.temporal_patch_size);
  if (const json* rope = section.find("rope_parameters");
      rope && rope->is_object()) {
    const auto theta = rope->find("rope_theta");
    if (theta != rope->end() &&
        (!theta->is_number() || !(theta->get<double>() > 0))) {
      section.reject("vision_config.rope_theta", "is not a positive number");
    }
    if (theta != rope->end()) tower.rope_theta = theta->get<double>();
  }
  const auto place = [](const char* key) {
    return std::string("vision_config.") + key;
  };
  // Half of a head turns by a patch's row, half by its column, each in pairs.
  if (tower.embed_dim % tower.num_heads != 0 || tower.head_dim() % 4 != 0) {
    section.reject(place(keys.embed_dim), "is not a multiple of 4 * num_heads");
  }
  if (tower.in_channels != 3 || tower.patch_size > 1024 ||
      tower.spatial_merge_size > 16 || tower.temporal_patch_size > 16) {
    section.reject("vision_config", "has patches that are not supported");
  }
  if (tower.out_hidden_size != text_hidden_size) {
    section.reject(place(keys.out_hidden_size),
                   "= " + std::to_string(tower.out_hidden_size) +
                       " is not the decoder's hidden_size " +
                       std::to_string(text_hidden_size));
  }
  if (const std::string act = section.string_or("hidden_act", keys.hidden_act);
      act != keys.hidden_act) {
    section.reject("vision_config.hidden_act",
                   "\"" + act + "\" is not supported");
  }
  return tower;
}

Config read_config(const std::filesystem::path& checkpoint,
                   const ReadTower& read) {
  const auto file = checkpoint / "config.json";
  const json root = read_json_object(file);
  const JsonSection top = config_section(&root, file);
  Config config;
  check_plain(file, root);
  const auto inner = top.find_section("text_config");
  if (inner) {
    check_plain(file, inner->object());
    note_outer_keys(root, inner->object(), config.notes);
  }
  const JsonSection text = inner ? inner->without_place() : top;
  config.text = read_text(text);
  const auto vision = top.find_section("vision_config");
  config.vision =
      read(vision ? vision->without_place() : config_section(nullptr, file),
           config.text.hidden_size);
  config.tie_word_embeddings = read_tie(top, text, config.notes);
  // transformers 5 writes dtype, earlier ones torch_dtype; either may stand in
  // text_config.
  config.dtype = top.string_or("dtype", top.string_or("torch_dtype", ""));
  if (config.dtype.empty()) {
    config.dtype = text.string_or("dtype", text.string_or("torch_dtype", ""));
  }

  const auto id = [&](const char* key, std::int64_t fallback) {
    return top.integer_or(key, fallback, 0, config.text.vocab_size - 1);
  };
  config.image_token_id = id("image_token_id", config.image_token_id);
  config.vision_start_token_id =
      id("vision_start_token_id", config.vision_start_token_id);
  config.vision_end_token_id =
      id("vision_end_token_id", config.vision_end_token_id);

  // A missing eos_token_id means the class default, null means none.
  config.generation = GenerationConfig::load(
      checkpoint,
      read_end_ids(text.contains("eos_token_id") ? text.object()["eos_token_id"]
                                                 : json(kDefaultEndId),
                   file));
  if (config.generation.end_ids.empty()) {
    config.notes.push_back(
        "no eos_token_id: no token ends an answer, each runs to "
        "--max-new-tokens");
  }
  return config;
}

Shape Config::shape() const {
  return {.num_layers = text.num_layers,
          .hidden_size = text.hidden_size,
          .mlp_size = text.intermediate_size,
          .num_heads = text.num_heads,
          .num_kv_heads = text.num_kv_heads,
          .head_dim = text.head_dim(),
          .vocab_size = text.vocab_size,
          .max_positions = text.max_position_embeddings,
          .image_token_id = image_token_id};
}

}  // namespace lens::model::qwen
