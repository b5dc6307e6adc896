#pragma once

#include <algorithm>
#include <cstdint>

namespace lens::readout {

// Classes of ids that one sweep over the vocabulary can tell apart.
inline constexpr int kMaxScripts = 32;

// Tokens that are read at once: up to 2,048 rows, and whole tokens, since the
// divergence needs their last state beside.
inline std::int64_t tokens_at_once(std::int64_t states) {
  constexpr std::int64_t kMaxRows = 2048;
  return std::max<std::int64_t>(1, kMaxRows / states);
}

// Ids of one product over so many rows, on a CPU: 32 MiB of float32 logits
// between the product and what reads them (2,048 rows x 4,096 ids). More leave
// the cache. With few rows shorter chunks would be all calls, and longer sums
// of float32 cost digits; over chunks the sums are float64.
inline std::int64_t chunk_length(std::int64_t rows) {
  constexpr std::int64_t kElements = 8 << 20;
  return std::clamp<std::int64_t>(kElements / rows, 1024, 16384);
}

}  // namespace lens::readout
