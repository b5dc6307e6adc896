#include "model/kv_cache.h"

#include <ATen/ops/zeros.h>

namespace lens::model {

KvCache::KvCache(const TextConfig& config, std::int64_t slots,
                 std::int64_t capacity, const at::TensorOptions& options) {
  const std::vector<std::int64_t> shape = {slots, capacity, config.num_kv_heads,
                                           config.head_dim()};
  for (int layer = 0; layer < config.num_layers; ++layer) {
    // Zeros, not garbage: masked entries still meet a product with zero.
    keys.push_back(at::zeros(shape, options));
    values.push_back(at::zeros(shape, options));
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

std::int64_t KvCache::bytes_per_token(const TextConfig& config,
                                      at::ScalarType dtype) {
  return std::int64_t{2} * config.num_layers * config.num_kv_heads *
         config.head_dim() * static_cast<std::int64_t>(c10::elementSize(dtype));
}

}  // namespace lens::model
