#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "model/qwen2_vl/config.h"

namespace lens::model {

using Shape = std::vector<std::int64_t>;

// The head of the decoder and its embedding. Where the config ties them a
// checkpoint may lack one: then it is the other.
inline constexpr const char* kHeadTensor = "lm_head.weight";
inline constexpr const char* kEmbeddingTensor = "model.embed_tokens.weight";

// The shape of every tensor that a model of this config has, by its official
// name; that of kHeadTensor too.
std::map<std::string, Shape> tensor_shapes(const ModelConfig& config);

// "[2, 3]"
std::string to_text(const Shape& shape);

// Values of a tensor of this shape.
std::int64_t value_count(const Shape& shape);

// Values of all weights: a head of its own where it is not tied.
std::int64_t value_count(const ModelConfig& config);

}  // namespace lens::model
