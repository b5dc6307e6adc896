#pragma once

#include <filesystem>

#include "base/json_section.h"

namespace lens::model {

// An object of a configuration file of a checkpoint. As to transformers, null
// is the default of a key. Throws lens::InputError, which names the file.
JsonSection config_section(const nlohmann::json* object,
                           const std::filesystem::path& file);

}  // namespace lens::model
