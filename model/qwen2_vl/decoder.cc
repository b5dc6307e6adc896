#include "model/qwen2_vl/decoder.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/rsqrt.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <vector>

namespace lens::model::qwen2_vl {
namespace {

at::Tensor linear(const at::Tensor& x, const LinearWeights& weights) {
  return weights.bias.defined() ? at::linear(x, weights.weight, weights.bias)
                                : at::linear(x, weights.weight);
}

// What a batched decode step needs beside: one new token in each of the slots
// 0 .. batch-1.
struct BatchedStep {
  std::int64_t longest = 0;  // tokens of the longest sequence, new one included
  at::Tensor slot_index;     // [batch] int64
  at::Tensor token_index;    // [batch] int64: where the new token is stored
  at::Tensor mask;           // [batch, 1, 1, longest]; undefined if all equal
};

// What stays the same from layer to layer of one pass.
struct Pass {
  const TextConfig& config;
  std::span<const Segment> segments;
  const Rotation& rotation;
  std::optional<BatchedStep> batched;
};

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
  const at::Tensor length = at::tensor(lengths, at::kLong).to(options.device());
  const auto batch = static_cast<std::int64_t>(lengths.size());
  step.slot_index = at::arange(batch, length.options());
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

std::optional<at::Tensor> optional(const at::Tensor& tensor) {
  if (!tensor.defined()) return std::nullopt;
  return tensor;
}

// One new token in each of the slots 0 .. batch-1.
//   q [batch, heads, head_dim]; k, v [batch, kv_heads, head_dim]
at::Tensor attend_batched(const TextConfig& config, const BatchedStep& step,
                          const at::Tensor& q, const at::Tensor& k,
                          const at::Tensor& v, at::Tensor& keys,
                          at::Tensor& values) {
  const std::int64_t batch = q.size(0);
  keys.index_put_({step.slot_index, step.token_index}, k);
  values.index_put_({step.slot_index, step.token_index}, v);
  // [batch, kv_heads, longest, head_dim]
  const auto used = [&](const at::Tensor& cache) {
    return cache.narrow(0, 0, batch).narrow(1, 0, step.longest).transpose(1, 2);
  };
  // The query heads that share a key head stand where a sequence's tokens
  // would: no copy of keys and values is needed.
  const at::Tensor grouped =
      q.view({batch, config.num_kv_heads,
              config.num_heads / config.num_kv_heads, config.head_dim()});
  return at::scaled_dot_product_attention(grouped, used(keys), used(values),
                                          optional(step.mask))
      .reshape({batch, config.hidden_size});
}

// All tokens of one segment over its slot.
//   q [length, heads, head_dim]; k, v [length, kv_heads, head_dim]
at::Tensor attend_segment(const TextConfig& config, const Segment& segment,
                          const at::Tensor& q, const at::Tensor& k,
                          const at::Tensor& v, at::Tensor& keys,
                          at::Tensor& values) {
  const std::int64_t total = segment.past + segment.length;
  const std::int64_t groups = config.num_heads / config.num_kv_heads;
  const auto store = [&](at::Tensor& cache, const at::Tensor& fresh) {
    const at::Tensor slot = cache.select(0, segment.slot);
    slot.narrow(0, segment.past, segment.length).copy_(fresh);
    // [1, heads, total, head_dim]: query head i reads key head i / groups.
    return slot.narrow(0, 0, total)
        .transpose(0, 1)
        .unsqueeze(1)
        .expand({config.num_kv_heads, groups, total, config.head_dim()})
        .reshape({1, config.num_heads, total, config.head_dim()});
  };
  const at::Tensor all_keys = store(keys, k);
  const at::Tensor all_values = store(values, v);
  const at::Tensor query = q.transpose(0, 1).unsqueeze(0);
  at::Tensor mixed;
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
      {segment.length, config.hidden_size});
}

at::Tensor self_attention(const DecoderLayerWeights& layer, const Pass& pass,
                          const at::Tensor& x, at::Tensor& keys,
                          at::Tensor& values) {
  const TextConfig& config = pass.config;
  const auto heads = [&](const LinearWeights& weights, int count) {
    return linear(x, weights).view({x.size(0), count, config.head_dim()});
  };
  const at::Tensor q = rotate(heads(layer.q, config.num_heads), pass.rotation);
  const at::Tensor k =
      rotate(heads(layer.k, config.num_kv_heads), pass.rotation);
  const at::Tensor v = heads(layer.v, config.num_kv_heads);

  if (pass.batched) {
    return linear(attend_batched(config, *pass.batched, q, k, v, keys, values),
                  layer.o);
  }
  std::vector<at::Tensor> outputs;
  std::int64_t begin = 0;
  for (const Segment& segment : pass.segments) {
    const auto part = [&](const at::Tensor& packed) {
      return packed.narrow(0, begin, segment.length);
    };
    outputs.push_back(attend_segment(config, segment, part(q), part(k), part(v),
                                     keys, values));
    begin += segment.length;
  }
  return linear(at::cat(outputs, 0), layer.o);
}

at::Tensor mlp(const DecoderLayerWeights& layer, const at::Tensor& x) {
  return linear(at::silu(linear(x, layer.gate)) * linear(x, layer.up),
                layer.down);
}

}  // namespace

at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps) {
  const at::Tensor wide = x.to(at::kFloat);
  const at::Tensor variance = wide.pow(2).mean(-1, /*keepdim=*/true);
  return (weight * (wide * at::rsqrt(variance + eps))).to(x.scalar_type());
}

at::Tensor decode_pass(const TextWeights& weights, const TextConfig& config,
                       const at::Tensor& embeddings, const Rotation& rotation,
                       std::span<const Segment> segments, KvCache& cache,
                       StateTap* tap) {
  Pass pass{config, segments, rotation, std::nullopt};
  if (is_batched(segments)) {
    pass.batched = batched_step(segments, embeddings.options());
  }

  at::Tensor hidden = embeddings;
  if (tap) tap->on_state(0, hidden);
  for (int i = 0; i < config.num_layers; ++i) {
    const DecoderLayerWeights& layer = weights.layers[i];
    hidden = hidden + self_attention(layer, pass,
                                     rms_norm(hidden, layer.input_norm,
                                              config.rms_norm_eps),
                                     cache.keys[i], cache.values[i]);
    hidden = hidden + mlp(layer, rms_norm(hidden, layer.post_attention_norm,
                                          config.rms_norm_eps));
    // The raw output of the last layer is not a state: state N is normed.
    if (tap && i + 1 < config.num_layers) tap->on_state(i + 1, hidden);
  }
  hidden = rms_norm(hidden, weights.norm, config.rms_norm_eps);
  if (tap) tap->on_state(config.num_layers, hidden);
  return hidden;
}

}  // namespace lens::model::qwen2_vl
