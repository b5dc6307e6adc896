#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>

#include "model/kv_cache.h"
#include "model/qwen2_vl/config.h"
#include "model/qwen2_vl/weights.h"
#include "model/tap.h"

namespace lens::model {

// `length` new tokens of the sequence in `slot`, which already holds `past`.
struct Segment {
  std::int64_t slot = 0;
  std::int64_t past = 0;
  std::int64_t length = 0;
};

// One pass of the decoder over a pack of segments, without padding.
//
//   embeddings  [tokens, hidden_size]  segments one after another
//   positions   [3, tokens] int64      M-RoPE, on the weights' device
//   cache       receives the new keys and values
//   tap         sees states 0 .. N; may be null
//   returns     [tokens, hidden_size]  after the final norm (state N)
//
// Prefill and decode are the same call: where every segment has one token and
// segment i lies in slot i, attention runs batched over the slots.
at::Tensor decode_pass(const TextWeights& weights, const TextConfig& config,
                       const at::Tensor& embeddings,
                       const at::Tensor& positions,
                       std::span<const Segment> segments, KvCache& cache,
                       StateTap* tap);

// Root mean square norm, computed in float32 and rounded once to x's dtype.
// (transformers rounds before the scale as well: in bfloat16 that is a second
// error for no gain in speed.)
at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps);

}  // namespace lens::model
