#pragma once

#include <filesystem>
#include <vector>

#include "model/description.h"

namespace lens::model::qwen2_vl {

// Throws lens::InputError as Config::load().
Description describe(const std::filesystem::path& checkpoint);

// 2B, 7B and 72B.
std::vector<PublishedModel> published();

}  // namespace lens::model::qwen2_vl
