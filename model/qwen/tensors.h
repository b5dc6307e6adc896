#pragma once

#include "model/checkpoint/tensor_table.h"
#include "model/qwen/config.h"

namespace lens::model::qwen {

inline constexpr const char* kHeadTensor = "lm_head.weight";
inline constexpr const char* kEmbeddingTensor = "model.embed_tokens.weight";

// Every tensor that a model of this config has, kHeadTensor too.
TensorTable tensor_table(const Config& config);

}  // namespace lens::model::qwen
