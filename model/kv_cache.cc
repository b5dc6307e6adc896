#include "model/kv_cache.h"

#include <ATen/ops/zeros.h>

namespace lens::model {

KvCache::KvCache(const Shape& shape, std::int64_t slots, std::int64_t capacity,
                 const at::TensorOptions& options) {
  const std::vector<std::int64_t> sizes = {slots, capacity, shape.num_kv_heads,
                                           shape.head_dim};
  for (int layer = 0; layer < shape.num_layers; ++layer) {
    // Zeros, not garbage: masked entries still meet a product with zero.
    keys.push_back(at::zeros(sizes, options));
    values.push_back(at::zeros(sizes, options));
  }
}

void KvCache::copy(std::int64_t from, std::int64_t to, std::int64_t tokens) {
  if (from == to) return;
  for (auto* tensors : {&keys, &values}) {
    for (at::Tensor& cache : *tensors) {
      cache.select(0, to)
          .narrow(0, 0, tokens)
          .copy_(cache.select(0, from).narrow(0, 0, tokens));
    }
  }
}

void KvCache::clear(std::int64_t slot) {
  for (auto* tensors : {&keys, &values}) {
    for (at::Tensor& cache : *tensors) cache.select(0, slot).zero_();
  }
}

std::int64_t KvCache::bytes_per_token(const Shape& shape,
                                      at::ScalarType dtype) {
  // 2: a key and a value.
  return std::int64_t{2} * shape.num_layers * shape.num_kv_heads *
         shape.head_dim * static_cast<std::int64_t>(c10::elementSize(dtype));
}

}  // namespace lens::model
