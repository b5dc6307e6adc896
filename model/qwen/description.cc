#include "model/qwen/description.h"

#include "model/qwen/shares.h"
#include "model/qwen/tensors.h"

namespace lens::model::qwen {

Description describe(Config config) {
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

Config published_config(TowerConfig tower, const TextSizes& sizes) {
  Config config;
  config.vision = std::move(tower);
  config.vision.out_hidden_size = sizes.hidden_size;
  config.text.hidden_size = sizes.hidden_size;
  config.text.num_layers = sizes.num_layers;
  config.text.num_heads = sizes.num_heads;
  config.text.num_kv_heads = sizes.num_kv_heads;
  config.text.intermediate_size = sizes.intermediate_size;
  config.text.vocab_size = sizes.vocab_size;
  config.tie_word_embeddings = sizes.tied;
  return config;
}

std::vector<PublishedModel> published(std::vector<NamedConfig> configs) {
  std::vector<PublishedModel> models;
  for (auto& [name, config] : configs) {
    models.push_back({std::move(name), spreads(config)});
  }
  return models;
}

}  // namespace lens::model::qwen
