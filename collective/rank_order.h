#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace lens::collective {

// Some of the values of a flat tensor.
struct Slice {
  std::int64_t begin = 0;
  std::int64_t count = 0;
};

// The values of a part that one rank adds up: the same number for each, but for
// the last ranks, which get what is left.
std::int64_t slice_size(std::int64_t values, int ranks);
Slice slice_of(std::int64_t values, int rank, int ranks);

// [ranks, ...] -> [...], added one after the other in the order of the ranks.
at::Tensor add_in_rank_order(const at::Tensor& parts);

// Throws std::invalid_argument unless it is float32: sums of narrower types
// would be rounded once for each rank.
void expect_summable(const at::Tensor& part);

// Throws std::invalid_argument unless it can be filled in place.
void expect_contiguous(const at::Tensor& values);

}  // namespace lens::collective
