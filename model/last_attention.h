#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>

#include "model/batch.h"

namespace lens::model {

// What the last token of each segment takes from each token of its sequence,
// without the weights of any other: softmax over the keys of q k / sqrt(d),
// float32 throughout, as transformers' eager attention takes its softmax.
//
//   query    [segments, heads, head_dim], rotated; query head i reads key head
//            i / (heads / kv_heads)
//   keys     [slots, capacity, kv_heads, head_dim], rotated, those of
//   `segments`
//            among them
//   returns  [segments, heads, longest sequence] float32; 0 behind a sequence
//
// What one segment gets depends on the others by the rounding of sums alone.
at::Tensor last_attention(const at::Tensor& query, const at::Tensor& keys,
                          std::span<const Segment> segments);

}  // namespace lens::model
