#include "lens/projection.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/bmm.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/rsqrt.h>

#include <utility>

namespace lens::readout {
namespace {

class FinalNorm final : public Projection {
 public:
  FinalNorm(at::Tensor weight, double eps)
      : weight_(std::move(weight)), eps_(eps) {}

  at::Tensor apply(const at::Tensor& states, int) const override {
    const at::Tensor variance = states.pow(2).mean(-1, /*keepdim=*/true);
    return weight_ * (states * at::rsqrt(variance + eps_));
  }

 private:
  // constant after construction
  const at::Tensor weight_;
  const double eps_;
};

}  // namespace

std::unique_ptr<const Projection> final_norm(at::Tensor weight, double eps) {
  return std::make_unique<FinalNorm>(std::move(weight), eps);
}

at::Tensor head_rows(const Projection& projection, const at::Tensor& states) {
  // In float32, then rounded to what the head reads.
  const at::Tensor wide = states.to(at::kFloat);
  const std::int64_t last = states.size(1) - 1;
  // Invariant: state N has met the final norm already, exactly once.
  return at::cat({projection.apply(wide.narrow(1, 0, last), 0)
                      .to(states.scalar_type()),
                  states.narrow(1, last, 1)},
                 1)
      .flatten(0, 1);
}

at::Tensor target_logits(const at::Tensor& rows, const at::Tensor& weight,
                         const at::Tensor& targets) {
  // A dot product of its own, float32 in any dtype. The sweep's logit of the
  // same id may round otherwise, which is why the target is never counted
  // against itself.
  const at::Tensor picked =
      at::index_select(weight, 0, targets).to(at::kFloat).unsqueeze(-1);
  const at::Tensor by_token =
      rows.to(at::kFloat)
          .view({targets.size(0), rows.size(0) / targets.size(0), -1});
  return at::bmm(by_token, picked).flatten();
}

}  // namespace lens::readout
