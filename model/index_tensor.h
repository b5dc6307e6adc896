#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/tensor.h>

#include <cstdint>
#include <vector>

namespace lens::model {

// [values] int64 on `device`: indices as operations read them.
inline at::Tensor index_tensor(const std::vector<std::int64_t>& values,
                               at::Device device) {
  return at::tensor(values, at::kLong).to(device);
}

}  // namespace lens::model
