#pragma once

#include <filesystem>
#include <memory>

#include "model/model.h"
#include "model/ranks.h"

namespace lens::model::qwen2_5_vl {

// As open_model().
std::unique_ptr<const Model> open(const std::filesystem::path& checkpoint,
                                  at::ScalarType dtype, at::Device device,
                                  const Ranks& ranks);

}  // namespace lens::model::qwen2_5_vl
