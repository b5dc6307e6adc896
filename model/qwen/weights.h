#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "model/checkpoint/tensor_loader.h"
#include "model/qwen/config.h"
#include "model/qwen/linear.h"

namespace lens::model::qwen {

struct DecoderLayerWeights {
  at::Tensor input_norm;           // [hidden]
  at::Tensor post_attention_norm;  // [hidden]
  LinearWeights q, k, v, o;
  LinearWeights gate, up, down;
};

struct TextWeights {
  at::Tensor embedding;  // [vocab, hidden]
  std::vector<DecoderLayerWeights> layers;
  at::Tensor norm;     // [hidden]
  at::Tensor lm_head;  // [vocab, hidden], the embedding itself where tied
};

// The layers that the weights are made of.
class Loader : public TensorLoader {
 public:
  using TensorLoader::TensorLoader;

  LinearWeights linear(const std::string& name, bool bias) const;
};

TextWeights load_text(const Loader& load, const Config& config);

}  // namespace lens::model::qwen
