#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "lens/id_range.h"

namespace lens::readout {

// The largest logits of rows so far, by libtorch: best first, the lower id
// first where they tie.
struct TopList {
  at::Tensor value;  // [rows, at most k] float32; undefined before take()
  at::Tensor id;     // [rows, at most k] int64

  // Takes the k best of a chunk in, whose first logit is that of the id
  // `first`: chunks come in the order of their ids.
  void take(const at::Tensor& logits, std::int64_t first, std::int64_t k);

  // The list over the ids of all ranks, each of which has taken its own in.
  TopList over_ranks(const IdRange& ids, std::int64_t k) const;
};

}  // namespace lens::readout
