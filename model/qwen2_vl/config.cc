#include "model/qwen2_vl/config.h"

namespace lens::model::qwen2_vl {
namespace {

qwen::TowerConfig read(const JsonSection& section, int text_hidden_size) {
  qwen::TowerConfig tower = qwen::read_tower(section,
                                             {.embed_dim = "embed_dim",
                                              .out_hidden_size = "hidden_size",
                                              .hidden_act = "quick_gelu"},
                                             default_tower(), text_hidden_size);
  tower.mlp_dim = tower.embed_dim * section.integer_or("mlp_ratio", 4, 1, 256);
  return tower;
}

}  // namespace

qwen::TowerConfig default_tower() {
  qwen::TowerConfig tower;
  tower.layers = {.unit_makers = {"mlp.fc1"},
                  .unit_reader = "mlp.fc2",
                  .norms_have_bias = true};
  return tower;
}

Config load_config(const std::filesystem::path& checkpoint) {
  return qwen::read_config(checkpoint, read);
}

}  // namespace lens::model::qwen2_vl
