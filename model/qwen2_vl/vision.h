#pragma once

#include <memory>

#include "model/qwen/tower.h"
#include "model/qwen2_vl/config.h"

namespace lens::model::qwen2_vl {

// Blocks of LayerNorm and an MLP of quick GELU; attention is full within an
// image.
std::unique_ptr<const qwen::Tower> load_tower(const qwen::Loader& load,
                                              const Config& config);

}  // namespace lens::model::qwen2_vl
