#include "lens/projection.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/rsqrt.h>

#include <utility>

namespace lens::readout {
namespace {

class FinalNorm final : public Projection {
 public:
  FinalNorm(at::Tensor weight, double eps)
      : weight_(std::move(weight)), eps_(eps) {}

  // The head's products are float32, so the rows stay float32, too: rounded as
  // the model rounds them they would be another lens.
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
  const at::Tensor wide = states.to(at::kFloat);
  const std::int64_t last = states.size(1) - 1;
  // Invariant: state N has met the final norm already, exactly once.
  return at::cat({projection.apply(wide.narrow(1, 0, last), 0),
                  wide.narrow(1, last, 1)},
                 1)
      .flatten(0, 1);
}

}  // namespace lens::readout
