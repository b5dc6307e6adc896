#include "model/qwen2_5_vl/config.h"

#include <algorithm>
#include <utility>

namespace lens::model::qwen2_5_vl {
namespace {

// Pixels a side.
constexpr int kWindowSize = 112;

qwen::TowerConfig read_tower(const JsonSection& section, int text_hidden_size) {
  qwen::TowerConfig tower =
      qwen::read_tower(section,
                       {.embed_dim = "hidden_size",
                        .out_hidden_size = "out_hidden_size",
                        .hidden_act = "silu"},
                       default_tower(), text_hidden_size);
  tower.mlp_dim =
      section.integer_or("intermediate_size", tower.mlp_dim, 1, 1 << 23);
  return tower;
}

WindowConfig read_windows(const JsonSection& section,
                          const qwen::TowerConfig& tower) {
  WindowConfig windows;
  const int pixels = section.integer_or("window_size", kWindowSize, 1, 1 << 20);
  // Rounded down twice, as transformers does.
  windows.side = pixels / tower.spatial_merge_size / tower.patch_size;
  if (windows.side == 0) {
    section.reject("vision_config.window_size",
                   "is less than the patches of a token");
  }
  if (section.find("fullatt_block_indexes")) {
    // Those that no block has are of no effect there, too.
    windows.full_blocks =
        section.integers<int>("fullatt_block_indexes", -(1 << 20), 1 << 20);
  }
  return windows;
}

}  // namespace

bool WindowConfig::full(int block) const {
  return std::find(full_blocks.begin(), full_blocks.end(), block) !=
         full_blocks.end();
}

qwen::TowerConfig default_tower() {
  qwen::TowerConfig tower;
  tower.embed_dim = 3584;
  tower.mlp_dim = 3420;
  tower.layers = {.unit_makers = {"mlp.gate_proj", "mlp.up_proj"},
                  .unit_reader = "mlp.down_proj",
                  .norms_have_bias = false};
  return tower;
}

Config load_config(const std::filesystem::path& checkpoint) {
  WindowConfig windows;
  qwen::Config rest = qwen::read_config(
      checkpoint, [&](const JsonSection& section, int text_hidden_size) {
        qwen::TowerConfig tower = read_tower(section, text_hidden_size);
        windows = read_windows(section, tower);
        return tower;
      });
  return {std::move(rest), std::move(windows)};
}

}  // namespace lens::model::qwen2_5_vl
