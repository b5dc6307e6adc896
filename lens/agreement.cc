#include "lens/agreement.h"

#include <ATen/TensorOperators.h>

namespace lens::readout {
namespace {

struct Tolerance {
  double absolute;
  double relative;
};

// Invariant: a NaN on either side is a difference.
bool close(const at::Tensor& column, const at::Tensor& oracle,
           Tolerance allowed) {
  if (!column.sizes().equals(oracle.sizes())) return false;
  const at::Tensor wide = oracle.to(at::kDouble);
  const at::Tensor distance = (column.to(at::kDouble) - wide).abs();
  return (distance <= allowed.absolute + allowed.relative * wide.abs())
      .all()
      .item<bool>();
}

}  // namespace

std::string disagreement(const Readout& readout, const Readout& oracle) {
  constexpr Tolerance kRounding{1e-4, 2e-5};
  constexpr Tolerance kNearTies{1, 1e-3};
  constexpr Tolerance kEqual{0, 0};
  const struct {
    const char* name;
    at::Tensor Readout::*column;
    Tolerance allowed;
  } checks[] = {
      {"entropy", &Readout::entropy, kRounding},
      {"kl_final", &Readout::kl_final, kRounding},
      {"target_logprob", &Readout::target_logprob, kRounding},
      {"target_rank", &Readout::target_rank, kNearTies},
      {"logsumexp", &Readout::logsumexp, kRounding},
      {"top_id", &Readout::top_id, kEqual},
      {"top_logprob", &Readout::top_logprob, kRounding},
      {"script_share", &Readout::script_share, kRounding},
  };
  for (const auto& check : checks) {
    if (!close(readout.*check.column, oracle.*check.column, check.allowed)) {
      return std::string("the values of ") + check.name + " differ";
    }
  }
  return "";
}

}  // namespace lens::readout
