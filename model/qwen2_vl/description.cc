#include "model/qwen2_vl/description.h"

#include "model/qwen2_vl/shares.h"
#include "model/qwen2_vl/tensors.h"

namespace lens::model::qwen2_vl {
namespace {

Config config_of(int hidden, int layers, int heads, int kv_heads, int inner,
                 std::int64_t vocabulary) {
  Config config;
  config.vision.hidden_size = hidden;
  config.text.hidden_size = hidden;
  config.text.num_layers = layers;
  config.text.num_heads = heads;
  config.text.num_kv_heads = kv_heads;
  config.text.intermediate_size = inner;
  config.text.vocab_size = vocabulary;
  config.tie_word_embeddings = hidden < 3584;
  return config;
}

}  // namespace

Description describe(const std::filesystem::path& checkpoint) {
  Config config = Config::load(checkpoint);
  return {.shape = config.shape(),
          .patches = {.channels = config.vision.in_channels,
                      .patch_size = config.vision.patch_size,
                      .temporal_patch_size = config.vision.temporal_patch_size,
                      .merge_size = config.vision.spatial_merge_size},
          .tensors = tensor_table(config),
          .dtype = std::move(config.dtype),
          .generation = std::move(config.generation),
          .spreads = spreads(config),
          .notes = std::move(config.notes)};
}

std::vector<std::pair<std::string, Config>> published_configs() {
  return {{"2B", config_of(1536, 28, 12, 2, 8960, 151936)},
          {"7B", config_of(3584, 28, 28, 4, 18944, 152064)},
          {"72B", config_of(8192, 80, 64, 8, 29568, 152064)}};
}

std::vector<PublishedModel> published() {
  std::vector<PublishedModel> models;
  for (auto& [name, config] : published_configs()) {
    models.push_back({std::move(name), spreads(config)});
  }
  return models;
}

}  // namespace lens::model::qwen2_vl
