#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "model/shape.h"

namespace lens::model {

// Keys and values of the sequences in flight, one slot each.
struct KvCache {
  // Per layer [slots, capacity, kv_heads, head_dim]; keys after the rotation.
  std::vector<at::Tensor> keys;
  std::vector<at::Tensor> values;

  KvCache(const Shape& shape, std::int64_t slots, std::int64_t capacity,
          const at::TensorOptions& options);

  std::int64_t slots() const { return keys.front().size(0); }
  std::int64_t capacity() const { return keys.front().size(1); }

  // Copies the first `tokens` entries of slot `from` to slot `to`.
  void copy(std::int64_t from, std::int64_t to, std::int64_t tokens);

  // Zeros in all entries of a slot.
  void clear(std::int64_t slot);

  // What one token of one slot costs.
  static std::int64_t bytes_per_token(const Shape& shape, at::ScalarType dtype);
};

}  // namespace lens::model
