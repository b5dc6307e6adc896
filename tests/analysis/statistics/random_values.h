#pragma once

#include <cmath>
#include <cstdint>

#include "analysis/statistics/random_stream.h"

namespace lens::analysis::statistics {

// Evenly in [0, 1).
inline double share(const RandomStream& stream, std::uint64_t index) {
  return static_cast<double>(stream.bits(index) >> 11) * 0x1p-53;
}

// Normal by Box and Muller.
inline double normal(const RandomStream& stream, std::uint64_t index) {
  return std::sqrt(-2 * std::log(1 - share(stream, 2 * index))) *
         std::cos(2 * M_PI * share(stream, 2 * index + 1));
}

}  // namespace lens::analysis::statistics
