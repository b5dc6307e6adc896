#pragma once

#include <memory>

#include "model/qwen/tower.h"
#include "model/qwen2_5_vl/config.h"

namespace lens::model::qwen2_5_vl {

// Blocks of RMSNorm and a gated MLP; attention is full within a window, in a
// few blocks within the image.
std::unique_ptr<const qwen::Tower> load_tower(const qwen::Loader& load,
                                              const Config& config);

}  // namespace lens::model::qwen2_5_vl
