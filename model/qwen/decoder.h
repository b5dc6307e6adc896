#pragma once

#include <ATen/core/Tensor.h>

#include <span>

#include "collective/collective.h"
#include "model/batch.h"
#include "model/kv_cache.h"
#include "model/qwen/config.h"
#include "model/qwen/rope.h"
#include "model/qwen/weights.h"
#include "model/sites.h"

namespace lens::model::qwen {

// One pass of the decoder over a pack of segments, without padding.
//
//   embeddings  [tokens, hidden_size]  segments one after another
//   rotation    of all tokens          on the weights' device
//   cache       receives the new keys and values
//   visits      of the sites of model/sites.h
//   ranks       who share the weights; nullptr: this process has all
//   returns     [tokens, hidden_size]  after the final norm
//
// Prefill and decode are the same call: where every segment has one token and
// segment i lies in slot i, attention runs batched over the slots.
at::Tensor decode_pass(const TextWeights& weights, const TextConfig& config,
                       const at::Tensor& embeddings, const Rotation& rotation,
                       std::span<const Segment> segments, KvCache& cache,
                       const Visits& visits, collective::Collective* ranks);

}  // namespace lens::model::qwen
