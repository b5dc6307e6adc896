#include "model/qwen2_5_vl/description.h"

#include "model/qwen2_5_vl/config.h"

namespace lens::model::qwen2_5_vl {

Description describe(const std::filesystem::path& checkpoint) {
  return qwen::describe(load_config(checkpoint));
}

std::vector<qwen::NamedConfig> published_configs() {
  const auto of = [](int tower_units, const qwen::TextSizes& sizes) {
    qwen::TowerConfig tower = default_tower();
    tower.embed_dim = 1280;
    tower.mlp_dim = tower_units;
    return qwen::published_config(std::move(tower), sizes);
  };
  return {{"3B", of(3420, {2048, 36, 16, 2, 11008, 151936, true})},
          {"7B", of(3420, {3584, 28, 28, 4, 18944, 152064})},
          {"32B", of(3456, {5120, 64, 40, 8, 27648, 152064})},
          {"72B", of(3456, {8192, 80, 64, 8, 29568, 152064})}};
}

std::vector<PublishedModel> published() {
  return qwen::published(published_configs());
}

}  // namespace lens::model::qwen2_5_vl
