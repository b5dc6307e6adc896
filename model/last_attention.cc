#include "model/last_attention.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/softmax.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "model/index_tensor.h"

namespace lens::model {
namespace {

constexpr float kNothing = -std::numeric_limits<float>::infinity();

std::int64_t total_of(const Segment& segment) {
  return segment.past + segment.length;
}

// --- On CPUs -----------------------------------------------------------------
// A product of the library would first copy the keys of all slots into another
// order: they are read where they lie.

constexpr int kLanes = 8;
using Lanes [[gnu::vector_size(sizeof(float) * kLanes)]] = float;
using HalfLanes [[gnu::vector_size(sizeof(std::uint16_t) * kLanes)]] =
    std::uint16_t;
using WordLanes [[gnu::vector_size(sizeof(std::uint32_t) * kLanes)]] =
    std::uint32_t;

[[gnu::always_inline]] inline void load(const float* from, Lanes& to) {
  std::memcpy(&to, from, sizeof to);
}

// A bfloat16 is the upper half of a float32.
[[gnu::always_inline]] inline void load(const at::BFloat16* from, Lanes& to) {
  HalfLanes half;
  std::memcpy(&half, from, sizeof half);
  const WordLanes word = __builtin_convertvector(half, WordLanes) << 16;
  std::memcpy(&to, &word, sizeof to);
}

// One key head of one sequence.
struct KeyHead {
  const float* query;  // [group, dim], scaled
  std::int64_t group;
  std::int64_t dim;
  const void* keys;  // [total, dim], rows `stride` elements apart
  std::int64_t stride;
  std::int64_t total;
  float* scores;  // [group, total], rows `width` apart
  std::int64_t width;
};

template <class Scalar>
[[gnu::always_inline]] inline void score(const KeyHead& head) {
  const auto* const keys = static_cast<const Scalar*>(head.keys);
  const std::int64_t whole = head.dim - head.dim % kLanes;
  for (std::int64_t token = 0; token < head.total; ++token) {
    const Scalar* const key = keys + token * head.stride;
    for (std::int64_t g = 0; g < head.group; ++g) {
      const float* const query = head.query + g * head.dim;
      // Two sums: each waits for its own last addition.
      Lanes even = {};
      Lanes odd = {};
      std::int64_t i = 0;
      Lanes a;
      Lanes b;
      for (; i + 2 * kLanes <= whole; i += 2 * kLanes) {
        load(query + i, a);
        load(key + i, b);
        even += a * b;
        load(query + i + kLanes, a);
        load(key + i + kLanes, b);
        odd += a * b;
      }
      for (; i < whole; i += kLanes) {
        load(query + i, a);
        load(key + i, b);
        even += a * b;
      }
      even += odd;
      float sum = 0;
      for (int lane = 0; lane < kLanes; ++lane) sum += even[lane];
      for (; i < head.dim; ++i) sum += query[i] * static_cast<float>(key[i]);
      head.scores[g * head.width + token] = sum;
    }
  }
}

using Score = void (*)(const KeyHead&);

void score_float(const KeyHead& head) { score<float>(head); }
void score_bfloat16(const KeyHead& head) { score<at::BFloat16>(head); }

#if defined(__x86_64__)
[[gnu::target("avx2,fma")]] void score_float_avx2(const KeyHead& head) {
  score<float>(head);
}
[[gnu::target("avx2,fma")]] void score_bfloat16_avx2(const KeyHead& head) {
  score<at::BFloat16>(head);
}
#endif

Score score_of(at::ScalarType dtype) {
  const bool half = dtype == at::kBFloat16;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    return half ? score_bfloat16_avx2 : score_float_avx2;
  }
#endif
  return half ? score_bfloat16 : score_float;
}

// [segments, heads, longest]; -infinity behind a sequence.
at::Tensor scores_on_cpu(const at::Tensor& query, const at::Tensor& keys,
                         std::span<const Segment> segments,
                         std::int64_t longest) {
  const std::int64_t heads = query.size(1);
  const std::int64_t dim = query.size(2);
  const std::int64_t kv_heads = keys.size(2);
  const std::int64_t group = heads / kv_heads;
  const auto count = static_cast<std::int64_t>(segments.size());
  const at::Tensor scaled =
      (query.to(at::kFloat) / std::sqrt(static_cast<double>(dim))).contiguous();
  at::Tensor scores =
      at::full({count, heads, longest}, kNothing, scaled.options());
  const auto* const queries = scaled.const_data_ptr<float>();
  auto* const out = scores.mutable_data_ptr<float>();
  const auto* const first = static_cast<const char*>(keys.const_data_ptr());
  const auto bytes = static_cast<std::int64_t>(keys.element_size());
  const Score function = score_of(keys.scalar_type());
  at::parallel_for(
      0, count * kv_heads, 1, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t task = begin; task < end; ++task) {
          const std::int64_t s = task / kv_heads;
          const std::int64_t kv = task % kv_heads;
          const Segment& segment = segments[static_cast<std::size_t>(s)];
          const std::int64_t head = s * heads + kv * group;
          function({.query = queries + head * dim,
                    .group = group,
                    .dim = dim,
                    .keys = first + bytes * (segment.slot * keys.stride(0) +
                                             kv * keys.stride(2)),
                    .stride = keys.stride(1),
                    .total = total_of(segment),
                    .scores = out + head * longest,
                    .width = longest});
        }
      });
  return scores;
}

// --- Anywhere ----------------------------------------------------------------

at::Tensor scores_anywhere(const at::Tensor& query, const at::Tensor& keys,
                           std::span<const Segment> segments,
                           std::int64_t longest) {
  const std::int64_t heads = query.size(1);
  const std::int64_t dim = query.size(2);
  const std::int64_t kv_heads = keys.size(2);
  const auto count = static_cast<std::int64_t>(segments.size());
  std::vector<std::int64_t> slots;
  std::vector<std::int64_t> totals;
  for (const Segment& segment : segments) {
    slots.push_back(segment.slot);
    totals.push_back(total_of(segment));
  }
  const at::Device device = query.device();
  // [segments, kv_heads, head_dim, longest]
  const at::Tensor used = at::index_select(keys.narrow(1, 0, longest), 0,
                                           index_tensor(slots, device))
                              .to(at::kFloat)
                              .permute({0, 2, 3, 1});
  const at::Tensor grouped =
      query.to(at::kFloat).reshape({count, kv_heads, heads / kv_heads, dim}) /
      std::sqrt(static_cast<double>(dim));
  const at::Tensor beyond =
      at::arange(longest, at::TensorOptions(at::kLong).device(device))
          .unsqueeze(0) >= index_tensor(totals, device).unsqueeze(1);
  return at::matmul(grouped, used)
      .reshape({count, heads, longest})
      .masked_fill(beyond.unsqueeze(1), kNothing);
}

}  // namespace

at::Tensor last_attention(const at::Tensor& query, const at::Tensor& keys,
                          std::span<const Segment> segments) {
  std::int64_t longest = 0;
  for (const Segment& segment : segments) {
    longest = std::max(longest, total_of(segment));
  }
  const bool reads_in_place =
      query.is_cpu() && keys.stride(3) == 1 &&
      (keys.scalar_type() == at::kFloat || keys.scalar_type() == at::kBFloat16);
  return at::softmax(reads_in_place
                         ? scores_on_cpu(query, keys, segments, longest)
                         : scores_anywhere(query, keys, segments, longest),
                     -1);
}

}  // namespace lens::model
