#pragma once

#include <filesystem>

#include "model/qwen/config.h"

namespace lens::model::qwen2_vl {

using qwen::Config;

// The tower of the published models, whose defaults missing keys take.
qwen::TowerConfig default_tower();

// Throws lens::InputError as qwen::read_config().
Config load_config(const std::filesystem::path& checkpoint);

}  // namespace lens::model::qwen2_vl
