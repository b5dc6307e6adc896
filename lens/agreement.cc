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
  for (const table::Column& column : table::kColumns) {
    if (!column.of_states()) continue;
    const bool is_rank = column.name == "target_rank";
    const Tolerance allowed = column.type == table::ColumnType::kFloat
                                  ? kRounding
                              : is_rank ? kNearTies
                                        : kEqual;
    if (!close(readout.column(column), oracle.column(column), allowed)) {
      return "the values of " + std::string(column.name) + " differ";
    }
  }
  if (!close(readout.logsumexp, oracle.logsumexp, kRounding)) {
    return "the values of logsumexp differ";
  }
  return "";
}

}  // namespace lens::readout
