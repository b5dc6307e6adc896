#include "model/qwen/linear.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/zeros.h>

#include <algorithm>

namespace lens::model::qwen {
namespace {

// So many float32 values of a weight are made at a time: they stay in the
// second cache.
constexpr std::int64_t kBlockValues = 1 << 18;

// x [rows, in] -> [rows, out] float32, products added up in float32.
at::Tensor wide_product(const at::Tensor& x, const at::Tensor& weight) {
  if (x.size(1) == 0) {
    return at::zeros({x.size(0), weight.size(0)},
                     x.options().dtype(at::kFloat));
  }
  if (x.scalar_type() == at::kFloat) return at::mm(x, weight.t());
  if (x.is_cuda()) return at::mm(x, weight.t(), at::kFloat);
  // On the CPU libtorch has no product of bfloat16 that is not rounded to it.
  const std::int64_t outputs = weight.size(0);
  const std::int64_t block =
      std::max<std::int64_t>(1, kBlockValues / weight.size(1));
  const at::Tensor wide = x.to(at::kFloat);
  at::Tensor product =
      at::empty({outputs, x.size(0)}, wide.options());  // transposed
  for (std::int64_t begin = 0; begin < outputs; begin += block) {
    const std::int64_t length = std::min(block, outputs - begin);
    at::Tensor rows = product.narrow(0, begin, length);
    at::mm_out(rows, weight.narrow(0, begin, length).to(at::kFloat), wide.t());
  }
  return product.t().contiguous();
}

}  // namespace

at::Tensor linear(const at::Tensor& x, const LinearWeights& weights) {
  return weights.bias.defined() ? at::linear(x, weights.weight, weights.bias)
                                : at::linear(x, weights.weight);
}

at::Tensor summed_linear(const at::Tensor& x, const LinearWeights& weights,
                         collective::Collective* ranks) {
  if (!ranks || ranks->size() == 1) return linear(x, weights);
  at::Tensor part = wide_product(x, weights.weight);
  if (weights.bias.defined() && ranks->rank() == 0) part += weights.bias;
  return ranks->rounded_sum(part, x.scalar_type());
}

}  // namespace lens::model::qwen
