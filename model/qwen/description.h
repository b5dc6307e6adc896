#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/description.h"
#include "model/qwen/config.h"

namespace lens::model::qwen {

// What the config of a checkpoint says of its model.
Description describe(Config config);

// A published model's decoder and the width of its tokens; the tower is that of
// the config which is given.
struct TextSizes {
  int hidden_size;
  int num_layers;
  int num_heads;
  int num_kv_heads;
  int intermediate_size;
  std::int64_t vocab_size;
  bool tied = false;
};
Config published_config(TowerConfig tower, const TextSizes& sizes);

using NamedConfig = std::pair<std::string, Config>;
std::vector<PublishedModel> published(std::vector<NamedConfig> configs);

inline constexpr std::array<std::string_view, 3> kImageProcessors = {
    "Qwen2VLImageProcessor", "Qwen2VLImageProcessorFast",
    "Qwen2VLImageProcessorPil"};

// That of the published checkpoints, and that of scripts/small_tokenizer.py.
inline constexpr std::array<std::string_view, 2> kChatTemplates = {
    "a0bc6f6fc7a29a80017a433e8f03a1cc1236e838a944a2d034295a60c4f2fddb",
    "f7226c63b005a1df4de3cbaebe68a3cc7752e8cd4def103bac824819c7abc5ae"};

}  // namespace lens::model::qwen
