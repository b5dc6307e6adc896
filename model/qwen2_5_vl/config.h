#pragma once

#include <filesystem>
#include <vector>

#include "model/qwen/config.h"

namespace lens::model::qwen2_5_vl {

// What the tower's attention sees.
struct WindowConfig {
  int side = 4;  // of a window, in merged tokens
  // The blocks whose patches see all of their image; those of the others see
  // their window.
  std::vector<int> full_blocks = {7, 15, 23, 31};

  bool full(int block) const;
};

struct Config : qwen::Config {
  WindowConfig windows;
};

// The tower of class defaults, which missing keys take.
qwen::TowerConfig default_tower();

// Throws lens::InputError as qwen::read_config().
Config load_config(const std::filesystem::path& checkpoint);

}  // namespace lens::model::qwen2_5_vl
