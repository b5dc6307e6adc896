#include "model/qwen/decoder.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <vector>

#include "model/cuda/fused.h"
#include "model/index_tensor.h"
#include "model/last_attention.h"
#include "model/qwen/steps.h"

namespace lens::model::qwen {
namespace {

// Attention weights are shown for so many tokens at a time: with 3,000 keys and
// 28 heads 86 MB instead of 1 GB.
constexpr std::int64_t kQueryBlock = 256;

// What a batched decode step needs beside: one new token in each of the slots
// 0 .. batch-1.
struct BatchedStep {
  std::int64_t longest = 0;  // tokens of the longest sequence, new one included
  at::Tensor slot_index;     // [batch] int64
  at::Tensor token_index;    // [batch] int64: where the new token is stored
  at::Tensor mask;           // [batch, 1, 1, longest]; undefined if all equal
};

// All segments at once over their slots, on a GPU: prefill and decode alike.
struct Packed {
  at::Tensor rows;  // int32 [tokens]: where the tokens are stored in the cache
  cuda::PackedAttention attention;
};

// The heads of attention that this rank has.
struct Heads {
  std::int64_t queries = 0;
  std::int64_t keys = 0;
  std::int64_t dim = 0;

  std::int64_t group() const { return queries / keys; }  // that share a key
  std::int64_t width() const { return queries * dim; }
};

// What stays the same from layer to layer of one pass.
struct Pass {
  const TextConfig& config;
  Heads heads;
  collective::Collective* ranks;
  std::span<const Segment> segments;
  const Rotation& rotation;
  const Visits& visits;
  std::optional<BatchedStep> batched;
  std::optional<Packed> packed;
  at::Tensor last_rows;  // of each segment; undefined where nobody asks
};

Heads heads_of(const TextWeights& weights, const TextConfig& config) {
  const std::int64_t dim = config.head_dim();
  const DecoderLayerWeights& layer = weights.layers.front();
  return {layer.q.weight.size(0) / dim, layer.k.weight.size(0) / dim, dim};
}

// Slots in order from 0 are one block of the cache, which is then read where it
// lies.
bool is_batched(std::span<const Segment> segments) {
  for (std::size_t i = 0; i < segments.size(); ++i) {
    if (segments[i].length != 1) return false;
    if (segments[i].slot != static_cast<std::int64_t>(i)) return false;
  }
  return true;
}

BatchedStep batched_step(std::span<const Segment> segments,
                         const at::TensorOptions& options) {
  std::vector<std::int64_t> lengths;
  for (const Segment& segment : segments) lengths.push_back(segment.past + 1);
  BatchedStep step;
  step.longest = *std::max_element(lengths.begin(), lengths.end());
  const at::Tensor length = index_tensor(lengths, options.device());
  const auto batch = static_cast<std::int64_t>(lengths.size());
  step.slot_index = at::arange(batch, length.options());
  // The new token stands behind what the slot already holds.
  step.token_index = length - 1;
  if (*std::min_element(lengths.begin(), lengths.end()) < step.longest) {
    const at::Tensor beyond =
        at::arange(step.longest, length.options()).unsqueeze(0) >=
        length.unsqueeze(1);
    step.mask = at::zeros({batch, 1, 1, step.longest}, options)
                    .masked_fill_(beyond.view({batch, 1, 1, step.longest}),
                                  -std::numeric_limits<float>::infinity());
  }
  return step;
}

//   capacity  tokens of a slot
Packed packed_pass(std::span<const Segment> segments, std::int64_t capacity,
                   at::Device device) {
  // One upload: begins in the pack, begins in the cache, lengths, rows.
  const std::size_t count = segments.size();
  // Begins are count + 1 each. The last one in the cache stays 0 and is not
  // used: the lengths say where a sequence ends.
  std::vector<std::int32_t> numbers(3 * count + 2, 0);
  std::vector<std::int32_t> rows;
  Packed packed;
  packed.attention.causal = true;
  for (std::size_t i = 0; i < count; ++i) {
    const Segment& segment = segments[i];
    const std::int64_t total = segment.past + segment.length;
    // The cache as one table, a row for each token of each slot.
    const std::int64_t first = segment.slot * capacity;
    numbers[i + 1] = numbers[i] + static_cast<std::int32_t>(segment.length);
    numbers[count + 1 + i] = static_cast<std::int32_t>(first);
    numbers[2 * count + 2 + i] = static_cast<std::int32_t>(total);
    for (std::int64_t token = segment.past; token < total; ++token) {
      rows.push_back(static_cast<std::int32_t>(first + token));
    }
    packed.attention.longest_q =
        std::max(packed.attention.longest_q, segment.length);
    packed.attention.longest_k = std::max(packed.attention.longest_k, total);
  }
  numbers.insert(numbers.end(), rows.begin(), rows.end());
  const at::Tensor all = at::tensor(numbers, at::kInt).to(device);
  const auto part = [&](std::size_t begin, std::size_t length) {
    return all.narrow(0, static_cast<std::int64_t>(begin),
                      static_cast<std::int64_t>(length));
  };
  packed.attention.q_begins = part(0, count + 1);
  packed.attention.k_begins = part(count + 1, count + 1);
  packed.attention.k_lengths = part(2 * count + 2, count);
  packed.rows = part(3 * count + 2, rows.size());
  return packed;
}

std::optional<at::Tensor> optional(const at::Tensor& tensor) {
  if (!tensor.defined()) return std::nullopt;
  return tensor;
}

// One new token in each of the slots 0 .. batch-1.
//   q [batch, heads, head_dim]; k, v [batch, kv_heads, head_dim]
at::Tensor attend_batched(const Heads& heads, const BatchedStep& step,
                          const at::Tensor& q, const at::Tensor& k,
                          const at::Tensor& v, at::Tensor& keys,
                          at::Tensor& values) {
  const std::int64_t batch = q.size(0);
  // Stored first: the new token sees itself.
  keys.index_put_({step.slot_index, step.token_index}, k);
  values.index_put_({step.slot_index, step.token_index}, v);
  // [batch, kv_heads, longest, head_dim]
  const auto used = [&](const at::Tensor& cache) {
    return cache.narrow(0, 0, batch).narrow(1, 0, step.longest).transpose(1, 2);
  };
  // The query heads that share a key head stand where a sequence's tokens
  // would: no copy of keys and values is needed.
  const at::Tensor grouped =
      q.view({batch, heads.keys, heads.group(), heads.dim});
  // Heads come out in the order of q: those of one key head together.
  return at::scaled_dot_product_attention(grouped, used(keys), used(values),
                                          optional(step.mask))
      .reshape({batch, heads.width()});
}

// All tokens of one segment over its slot.
//   q [length, heads, head_dim]; k, v [length, kv_heads, head_dim]
at::Tensor attend_segment(const Heads& heads, const Segment& segment,
                          const at::Tensor& q, const at::Tensor& k,
                          const at::Tensor& v, at::Tensor& keys,
                          at::Tensor& values) {
  const std::int64_t total = segment.past + segment.length;
  const auto store = [&](at::Tensor& cache, const at::Tensor& fresh) {
    const at::Tensor slot = cache.select(0, segment.slot);
    slot.narrow(0, segment.past, segment.length).copy_(fresh);
    // [1, heads, total, head_dim]: query head i reads key head i / group.
    return slot.narrow(0, 0, total)
        .transpose(0, 1)
        .unsqueeze(1)
        .expand({heads.keys, heads.group(), total, heads.dim})
        .reshape({1, heads.queries, total, heads.dim});
  };
  const at::Tensor all_keys = store(keys, k);
  const at::Tensor all_values = store(values, v);
  const at::Tensor query = q.transpose(0, 1).unsqueeze(0);
  at::Tensor mixed;
  // is_causal begins its triangle at the first key. That is right without a
  // past; with one, the mask has to say where the queries stand.
  if (segment.past == 0) {
    mixed = at::scaled_dot_product_attention(query, all_keys, all_values,
                                             std::nullopt, 0.0,
                                             /*is_causal=*/true);
  } else {
    const auto index = q.options().dtype(at::kLong);
    const at::Tensor later =
        at::arange(total, index).unsqueeze(0) >
        at::arange(segment.past, total, index).unsqueeze(1);
    const at::Tensor mask =
        at::zeros({segment.length, total}, q.options())
            .masked_fill_(later, -std::numeric_limits<float>::infinity());
    mixed = at::scaled_dot_product_attention(query, all_keys, all_values, mask);
  }
  return mixed.squeeze(0).transpose(0, 1).reshape(
      {segment.length, heads.width()});
}

// All tokens of all segments, which lie one after another in q, k and v:
// [tokens, width].
at::Tensor attend_segments(const Pass& pass, const at::Tensor& q,
                           const at::Tensor& k, const at::Tensor& v,
                           at::Tensor& keys, at::Tensor& values) {
  std::vector<at::Tensor> outputs;
  std::int64_t begin = 0;
  for (const Segment& segment : pass.segments) {
    const auto part = [&](const at::Tensor& packed) {
      return packed.narrow(0, begin, segment.length);
    };
    outputs.push_back(attend_segment(pass.heads, segment, part(q), part(k),
                                     part(v), keys, values));
    begin += segment.length;
  }
  return at::cat(outputs, 0);
}

// What `query` takes from each token of its sequence, float32: [heads, queries,
// keys].
//   query [queries, heads, head_dim], the tokens from `past` on
//   keys  [keys, kv_heads, head_dim]
at::Tensor attention_weights(const Heads& heads, const at::Tensor& query,
                             const at::Tensor& keys, std::int64_t past) {
  // In float32 throughout, as transformers' eager attention takes its softmax:
  // rows then sum to 1 closely also in a bfloat16 model.
  const std::int64_t queries = query.size(0);
  const std::int64_t total = keys.size(0);
  // [kv_heads, group, queries, head_dim]: query head i reads key head
  // i / group.
  const at::Tensor grouped =
      query.to(at::kFloat)
          .view({queries, heads.keys, heads.group(), heads.dim})
          .permute({1, 2, 0, 3});
  const at::Tensor scores =
      at::matmul(grouped, keys.to(at::kFloat).permute({1, 2, 0}).unsqueeze(1)) /
      std::sqrt(static_cast<double>(heads.dim));
  const auto index = query.options().dtype(at::kLong);
  const at::Tensor later = at::arange(total, index).unsqueeze(0) >
                           at::arange(past, past + queries, index).unsqueeze(1);
  return at::softmax(
             scores.masked_fill(later, -std::numeric_limits<float>::infinity()),
             -1)
      .view({heads.queries, queries, total});
}

// The sum of values that weights make, [queries, width] float32.
//   weights [heads, queries, keys]; values [keys, kv_heads, head_dim]
at::Tensor weighted_values(const Heads& heads, const at::Tensor& weights,
                           const at::Tensor& values) {
  const std::int64_t queries = weights.size(1);
  const at::Tensor grouped =
      weights.reshape({heads.keys, heads.group(), queries, weights.size(2)});
  return at::matmul(grouped, values.to(at::kFloat).transpose(0, 1).unsqueeze(1))
      .permute({2, 0, 1, 3})
      .reshape({queries, heads.width()});
}

// Shows the attention weights of layer `index`; where an observer puts others,
// the rows of `mixed` [tokens, width] become what those make.
void visit_weights(const Pass& pass, int index, const at::Tensor& q,
                   const at::Tensor& keys, const at::Tensor& values,
                   const at::Tensor& mixed) {
  std::int64_t row = 0;
  for (const Segment& segment : pass.segments) {
    const auto used = [&](const at::Tensor& cache) {
      return cache.select(0, segment.slot)
          .narrow(0, 0, segment.past + segment.length);
    };
    for (std::int64_t done = 0; done < segment.length; done += kQueryBlock) {
      const std::int64_t length = std::min(kQueryBlock, segment.length - done);
      const at::Tensor own =
          attention_weights(pass.heads, q.narrow(0, row, length), used(keys),
                            segment.past + done);
      at::Tensor shown = own;
      const Segment block{segment.slot, segment.past + done, length,
                          segment.owners};
      pass.visits.visit({Site::Kind::kAttentionWeights, index}, shown, block,
                        row);
      // Where nobody put others the rows of the fast attention stay, to the
      // bit.
      if (!shown.is_same(own)) {
        mixed.narrow(0, row, length)
            .copy_(weighted_values(pass.heads, shown, used(values)));
      }
      row += length;
    }
  }
}

// The rows of the last token of each segment, int64.
at::Tensor last_rows(std::span<const Segment> segments, at::Device device) {
  std::vector<std::int64_t> rows;
  std::int64_t end = 0;
  for (const Segment& segment : segments) {
    end += segment.length;
    rows.push_back(end - 1);
  }
  return index_tensor(rows, device);
}

// Shows what the last token of each segment takes, of layer `index`.
void visit_last_tokens(const Pass& pass, int index, const at::Tensor& q,
                       const at::Tensor& keys) {
  at::Tensor shown = last_attention(at::index_select(q, 0, pass.last_rows),
                                    keys, pass.segments);
  pass.visits.visit_last({Site::Kind::kLastAttention, index}, shown);
}

// q and k not rotated yet, as views of products; gives [tokens, width].
at::Tensor attend_packed(const Pass& pass, const at::Tensor& q,
                         const at::Tensor& k, const at::Tensor& v,
                         const at::Tensor& keys, const at::Tensor& values) {
  const Packed& packed = *pass.packed;
  // A row of the cache for each token of each slot.
  const auto rows = [](const at::Tensor& cache) {
    return cache.view({-1, cache.size(2), cache.size(3)});
  };
  const at::Tensor key_rows = rows(keys);
  const at::Tensor value_rows = rows(values);
  cuda::rotate_into(k, pass.rotation.cos, pass.rotation.sin, packed.rows,
                    key_rows);
  cuda::scatter_into(v, packed.rows, value_rows);
  return packed.attention.attend(q, key_rows, value_rows)
      .reshape({q.size(0), pass.heads.width()});
}

at::Tensor attend(const Pass& pass, const at::Tensor& q, const at::Tensor& k,
                  const at::Tensor& v, at::Tensor& keys, at::Tensor& values) {
  if (pass.packed) return attend_packed(pass, q, k, v, keys, values);
  const at::Tensor turned = rotate(k, pass.rotation);
  return pass.batched ? attend_batched(pass.heads, *pass.batched, q, turned, v,
                                       keys, values)
                      : attend_segments(pass, q, turned, v, keys, values);
}

at::Tensor self_attention(const DecoderLayerWeights& layer, int index,
                          const Pass& pass, const at::Tensor& x,
                          at::Tensor& keys, at::Tensor& values) {
  const auto heads = [&](const LinearWeights& weights, std::int64_t count) {
    return linear(x, weights).view({x.size(0), count, pass.heads.dim});
  };
  // k is turned in attend(): on a GPU on its way into the cache, without a
  // tensor between.
  const at::Tensor q =
      rotate(heads(layer.q, pass.heads.queries), pass.rotation);
  const at::Tensor k = heads(layer.k, pass.heads.keys);
  const at::Tensor v = heads(layer.v, pass.heads.keys);
  const at::Tensor mixed = attend(pass, q, k, v, keys, values);
  if (pass.visits.wanted({Site::Kind::kAttentionWeights, index})) {
    visit_weights(pass, index, q, keys, values, mixed);
  }
  if (pass.visits.wanted({Site::Kind::kLastAttention, index})) {
    visit_last_tokens(pass, index, q, keys);
  }
  return summed_linear(mixed, layer.o, pass.ranks);
}

// The stream with what attention adds to it.
at::Tensor add_attention(const DecoderLayerWeights& layer, int index,
                         const Pass& pass, const at::Tensor& hidden,
                         KvCache& cache) {
  at::Tensor added = self_attention(
      layer, index, pass,
      rms_norm(hidden, layer.input_norm, pass.config.rms_norm_eps),
      cache.keys[index], cache.values[index]);
  pass.visits.visit({Site::Kind::kAttentionOutput, index}, added);
  return hidden + added;
}

at::Tensor add_mlp(const DecoderLayerWeights& layer, int index,
                   const Pass& pass, const at::Tensor& hidden) {
  const at::Tensor x =
      rms_norm(hidden, layer.post_attention_norm, pass.config.rms_norm_eps);
  at::Tensor units = swiglu(linear(x, layer.gate), linear(x, layer.up));
  pass.visits.visit({Site::Kind::kMlpHidden, index}, units);
  at::Tensor added = summed_linear(units, layer.down, pass.ranks);
  pass.visits.visit({Site::Kind::kMlpOutput, index}, added);
  return hidden + added;
}

}  // namespace

at::Tensor decode_pass(const TextWeights& weights, const TextConfig& config,
                       const at::Tensor& embeddings, const Rotation& rotation,
                       std::span<const Segment> segments, KvCache& cache,
                       const Visits& visits, collective::Collective* ranks) {
  Pass pass{.config = config,
            .heads = heads_of(weights, config),
            .ranks = ranks,
            .segments = segments,
            .rotation = rotation,
            .visits = visits,
            .batched = std::nullopt,
            .packed = std::nullopt,
            .last_rows = {}};
  // bfloat16 on a GPU has one kernel for prefill and decode. Elsewhere a decode
  // step is batched over its slots and a prefill goes segment by segment.
  if (cuda::PackedAttention::takes(embeddings.options(), config.head_dim())) {
    pass.packed =
        packed_pass(segments, cache.keys.front().size(1), embeddings.device());
  } else if (is_batched(segments)) {
    pass.batched = batched_step(segments, embeddings.options());
  }
  for (int i = 0; i < config.num_layers && !pass.last_rows.defined(); ++i) {
    if (visits.wanted({Site::Kind::kLastAttention, i})) {
      pass.last_rows = last_rows(segments, embeddings.device());
    }
  }

  at::Tensor hidden = embeddings;
  for (int i = 0; i < config.num_layers; ++i) {
    visits.visit({Site::Kind::kResidual, i}, hidden);
    hidden = add_attention(weights.layers[i], i, pass, hidden, cache);
    hidden = add_mlp(weights.layers[i], i, pass, hidden);
  }
  visits.visit({Site::Kind::kResidual, config.num_layers}, hidden);
  hidden = rms_norm(hidden, weights.norm, config.rms_norm_eps);
  visits.visit({Site::Kind::kHeadInput, config.num_layers}, hidden);
  return hidden;
}

}  // namespace lens::model::qwen
