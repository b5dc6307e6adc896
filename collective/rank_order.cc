#include "collective/rank_order.h"

#include <algorithm>
#include <stdexcept>

namespace lens::collective {

std::int64_t slice_size(std::int64_t values, int ranks) {
  return (values + ranks - 1) / ranks;
}

Slice slice_of(std::int64_t values, int rank, int ranks) {
  const std::int64_t size = slice_size(values, ranks);
  const std::int64_t begin = std::min(values, size * rank);
  return {begin, std::min(values, begin + size) - begin};
}

at::Tensor add_in_rank_order(const at::Tensor& parts) {
  at::Tensor sum = parts.select(0, 0).clone();
  for (std::int64_t rank = 1; rank < parts.size(0); ++rank) {
    sum.add_(parts.select(0, rank));
  }
  return sum;
}

void expect_summable(const at::Tensor& part) {
  if (part.scalar_type() != at::kFloat)
    throw std::invalid_argument(
        "cannot add up the parts of ranks (they are not float32); round after "
        "the sum");
}

void expect_contiguous(const at::Tensor& values) {
  if (!values.is_contiguous())
    throw std::invalid_argument(
        "cannot broadcast (the values do not lie side by side); make them "
        "contiguous");
}

}  // namespace lens::collective
