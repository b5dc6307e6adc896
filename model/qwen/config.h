#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/json_section.h"
#include "model/checkpoint/generation_config.h"
#include "model/shape.h"

// What the families of Qwen's vision-language models have in common: the
// decoder, and a tower of blocks whose attention sees patches of one image. A
// family's own folder has its configuration and its tower.
namespace lens::model::qwen {

// What a tower's blocks are made of, by the names of their tensors.
struct BlockLayers {
  std::vector<std::string> unit_makers;  // of the MLP: what gives its units
  std::string unit_reader;               // and what reads them
  bool norms_have_bias = false;
};

struct TowerConfig {
  int depth = 32;
  int embed_dim = 1280;
  int num_heads = 16;
  int mlp_dim = 5120;
  int out_hidden_size = 3584;  // merger output, the decoder's hidden_size
  int in_channels = 3;
  int patch_size = 14;
  int spatial_merge_size = 2;
  int temporal_patch_size = 2;
  double rope_theta = 10000.0;
  BlockLayers layers;

  int head_dim() const { return embed_dim / num_heads; }
  int patch_dim() const {
    return in_channels * temporal_patch_size * patch_size * patch_size;
  }
  int merge_area() const { return spatial_merge_size * spatial_merge_size; }
  // Of the patches that become one token together.
  int merged_dim() const { return embed_dim * merge_area(); }
};

struct TextConfig {
  int hidden_size = 0;
  int num_layers = 0;
  int num_heads = 0;
  int num_kv_heads = 0;
  int intermediate_size = 0;
  std::int64_t vocab_size = 0;
  double rms_norm_eps = 1e-5;
  double rope_theta = 1e6;
  std::array<int, 3> mrope_section = {16, 24, 24};
  std::int64_t max_position_embeddings = 32768;

  int head_dim() const { return hidden_size / num_heads; }
};

// A config.json (and generation_config.json) in any of the layouts that
// transformers has written: flat (up to 4.51), with text_config (4.52 to 4.57),
// or v5 (rope_parameters, dtype). Keys that are missing take the class defaults
// of transformers 5.17; what stands there twice is read as there.
struct Config {
  TextConfig text;
  TowerConfig vision;
  bool tie_word_embeddings = false;
  std::string dtype;  // of the weights, as the config says; "": it does not
  std::int64_t image_token_id = 151655;
  std::int64_t vision_start_token_id = 151652;
  std::int64_t vision_end_token_id = 151653;
  GenerationConfig generation;
  // What was chosen where the files say two things or nothing, a line each.
  std::vector<std::string> notes;

  Shape shape() const;
};

// Where a family's vision_config differs in its words.
struct TowerKeys {
  const char* embed_dim;
  const char* out_hidden_size;
  const char* hidden_act;  // the one that there is
};

// The keys that towers have in common.
//
//   section  vision_config
//   tower    what missing keys take
TowerConfig read_tower(const JsonSection& section, const TowerKeys& keys,
                       TowerConfig tower, int text_hidden_size);

// vision_config, read by its family.
using ReadTower =
    std::function<TowerConfig(const JsonSection& section, int hidden_size)>;

// Takes it that the family is that of `read`. Throws lens::InputError: no file,
// not JSON, a value out of range, quantised weights, a feature that is not
// supported.
Config read_config(const std::filesystem::path& checkpoint,
                   const ReadTower& read);

}  // namespace lens::model::qwen
