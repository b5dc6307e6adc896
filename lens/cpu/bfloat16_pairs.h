#pragma once

#include <cstdint>

#include "lens/cpu/vector_kernel.h"

namespace lens::readout::cpu {
namespace {  // NOLINT(google-build-namespaces): as in vector_kernel.h

// Two columns of bfloat16 at a time: Dot adds to each lane of a vector of
// float32 the two products of a pair of the lane's and the pair `weight`.
template <int width, typename Dot>
struct PairColumns {
  using Weight = std::int32_t;  // a pair, the even column in the lower half
  using Floats = typename Vectors<width>::Floats;
  static constexpr int kColumns = 2;
  static constexpr bool kBfloat16 = true;

  static void add(Floats& sum, const float* rows, std::int32_t weight) {
    sum = Dot::add(sum, Vectors<width>::load(rows), weight);
  }
};

}  // namespace
}  // namespace lens::readout::cpu
