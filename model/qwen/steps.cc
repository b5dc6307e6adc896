#include "model/qwen/steps.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/rsqrt.h>
#include <ATen/ops/silu.h>

#include "model/cuda/fused.h"

namespace lens::model::qwen {

at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps) {
  if (cuda::fuses(x)) return cuda::rms_norm(x, weight, eps);
  // Rounded once, after the weight. transformers rounds before it, too: in
  // float32 that is the same, in bfloat16 the last bit may differ.
  const at::Tensor wide = x.to(at::kFloat);
  const at::Tensor variance = wide.pow(2).mean(-1, /*keepdim=*/true);
  return (weight * (wide * at::rsqrt(variance + eps))).to(x.scalar_type());
}

at::Tensor swiglu(const at::Tensor& gate, const at::Tensor& up) {
  if (cuda::fuses(gate)) return cuda::swiglu(gate, up);
  // In bfloat16 silu is rounded before the product, as transformers does; so
  // does the kernel.
  return at::silu(gate) * up;
}

}  // namespace lens::model::qwen
