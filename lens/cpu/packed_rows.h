#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "lens/cpu/kernel.h"

namespace lens::readout::cpu {

// Rows side by side in groups, as a kernel multiplies them.
class PackedRows {
 public:
  // Row order[i] of `rows` is lane i % lanes of group i / lanes; lanes past the
  // last row are 0.
  //   rows  [R, hidden_size] contiguous, bfloat16 where the kernel reads that,
  //         else float32
  PackedRows(const at::Tensor& rows, const std::vector<std::int64_t>& order,
             const Kernel& kernel);

  std::int64_t groups() const { return groups_; }
  const void* group(std::int64_t index) const;

 private:
  std::int64_t groups_;
  std::int64_t group_bytes_;
  at::Tensor packed_;
};

}  // namespace lens::readout::cpu
