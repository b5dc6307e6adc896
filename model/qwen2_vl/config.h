#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "model/checkpoint/generation_config.h"
#include "model/shape.h"

namespace lens::model::qwen2_vl {

struct VisionConfig {
  int depth = 32;
  int embed_dim = 1280;
  int num_heads = 16;
  int mlp_ratio = 4;
  int hidden_size = 3584;  // merger output, equals the decoder's hidden_size
  int in_channels = 3;
  int patch_size = 14;
  int spatial_merge_size = 2;
  int temporal_patch_size = 2;
  double rope_theta = 10000.0;

  int head_dim() const { return embed_dim / num_heads; }
  int mlp_dim() const { return embed_dim * mlp_ratio; }
  int patch_dim() const {
    return in_channels * temporal_patch_size * patch_size * patch_size;
  }
  int merge_area() const { return spatial_merge_size * spatial_merge_size; }
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

// A Qwen2-VL config.json (and generation_config.json) in any of the layouts
// that transformers has written: flat (up to 4.51), with text_config (4.52 to
// 4.57), or v5 (rope_parameters, dtype). Keys that are missing take the class
// defaults of transformers 5.17; what stands there twice is read as there.
struct Config {
  TextConfig text;
  VisionConfig vision;
  bool tie_word_embeddings = false;
  std::string dtype;  // of the weights, as the config says; "": it does not
  std::int64_t image_token_id = 151655;
  std::int64_t vision_start_token_id = 151652;
  std::int64_t vision_end_token_id = 151653;
  GenerationConfig generation;
  // What was chosen where the files say two things or nothing, a line each.
  std::vector<std::string> notes;

  Shape shape() const;

  // Takes it that the family is this one. Throws lens::InputError: no file, not
  // JSON, a value out of range, quantised weights, a feature that is not
  // supported.
  static Config load(const std::filesystem::path& checkpoint);
};

}  // namespace lens::model::qwen2_vl
