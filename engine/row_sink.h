#pragma once

#include <ATen/core/Tensor.h>

#include <span>

#include "engine/captured_row.h"

namespace lens::engine {

// Takes the states of captured rows.
class RowSink {
 public:
  virtual ~RowSink() = default;
  // states [rows, N + 1, hidden_size], weights' dtype and device; the sink may
  // keep the tensor.
  virtual void take(const at::Tensor& states,
                    std::span<const CapturedRow> rows) = 0;
};

}  // namespace lens::engine
