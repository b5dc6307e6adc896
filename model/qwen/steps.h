#pragma once

#include <ATen/core/Tensor.h>

// Steps that layers of decoder and tower are made of.
namespace lens::model::qwen {

// Root mean square norm, computed in float32 and rounded once to x's dtype.
// (transformers rounds before the scale as well: in bfloat16 that is a second
// error for no gain in speed.)
at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps);

// silu(gate) * up: the units of an MLP.
at::Tensor swiglu(const at::Tensor& gate, const at::Tensor& up);

}  // namespace lens::model::qwen
