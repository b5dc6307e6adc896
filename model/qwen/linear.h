#pragma once

#include <ATen/core/Tensor.h>

#include "collective/collective.h"

namespace lens::model::qwen {

struct LinearWeights {
  at::Tensor weight;  // [out, in]
  at::Tensor bias;    // [out], undefined where the layer has none
};

// x [rows, in] -> [rows, out]
at::Tensor linear(const at::Tensor& x, const LinearWeights& weights);

// The same of a layer whose inputs several ranks share out: each has its places
// of x and of the weight, and all get the whole. The ranks' products stay
// float32, are added in the order of the ranks, and are rounded to x's dtype
// once. `ranks` may be nullptr: this process has all, and the call is linear().
at::Tensor summed_linear(const at::Tensor& x, const LinearWeights& weights,
                         collective::Collective* ranks);

}  // namespace lens::model::qwen
