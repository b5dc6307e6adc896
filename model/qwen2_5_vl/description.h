#pragma once

#include <filesystem>
#include <vector>

#include "model/qwen/description.h"

namespace lens::model::qwen2_5_vl {

// Throws lens::InputError as load_config().
Description describe(const std::filesystem::path& checkpoint);

// 3B, 7B, 32B and 72B: the sizes of each by its name.
std::vector<qwen::NamedConfig> published_configs();
std::vector<PublishedModel> published();

}  // namespace lens::model::qwen2_5_vl
