#include "model/qwen/patch_attention.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <utility>

namespace lens::model::qwen {
namespace {

std::optional<cuda::PackedAttention> packed_attention(
    const std::vector<PatchGroups>& groups, int head_dim,
    const at::TensorOptions& options) {
  if (!cuda::PackedAttention::takes(options, head_dim)) return std::nullopt;
  cuda::PackedAttention packed;
  std::vector<std::int32_t> begins = {0};
  for (const PatchGroups& alike : groups) {
    for (std::int64_t i = 0; i < alike.count; ++i) {
      begins.push_back(begins.back() +
                       static_cast<std::int32_t>(alike.patches));
    }
    packed.longest_q = std::max(packed.longest_q, alike.patches);
  }
  // A patch sees all of its group and nothing else: keys are cut as queries
  // are.
  packed.longest_k = packed.longest_q;
  packed.q_begins = at::tensor(begins, at::kInt).to(options.device());
  packed.k_begins = packed.q_begins;
  return packed;
}

}  // namespace

PatchAttention::PatchAttention(std::vector<PatchGroups> groups, int head_dim,
                               const at::TensorOptions& options)
    : groups_(std::move(groups)),
      head_dim_(head_dim),
      packed_(packed_attention(groups_, head_dim, options)) {}

at::Tensor PatchAttention::attend(const at::Tensor& x, const LinearWeights& qkv,
                                  const LinearWeights& proj,
                                  const Rotation& rotation,
                                  collective::Collective* ranks) const {
  const std::int64_t patches = x.size(0);
  // A rank without a head adds zeros to the sum.
  const at::Tensor mixed =
      proj.weight.size(1) == 0
          ? at::empty({patches, 0}, x.options())
          : mix(linear(x, qkv).view({patches, 3, -1, head_dim_}), rotation);
  return summed_linear(mixed, proj, ranks);
}

// What each patch takes from its group, [patches, heads * head_dim].
//   qkv  [patches, 3, heads, head_dim]
at::Tensor PatchAttention::mix(const at::Tensor& qkv,
                               const Rotation& rotation) const {
  const std::int64_t patches = qkv.size(0);
  const at::Tensor q = rotate(qkv.select(1, 0), rotation);
  const at::Tensor k = rotate(qkv.select(1, 1), rotation);
  const at::Tensor v = qkv.select(1, 2);
  if (packed_) return packed_->attend(q, k, v).reshape({patches, -1});

  std::vector<at::Tensor> outputs;
  std::int64_t begin = 0;
  for (const PatchGroups& alike : groups_) {
    const std::int64_t length = alike.patches * alike.count;
    // [groups, heads, patches, head_dim]
    const auto part = [&](const at::Tensor& packed) {
      return packed.narrow(0, begin, length)
          .view({alike.count, alike.patches, -1, head_dim_})
          .transpose(1, 2);
    };
    const at::Tensor mixed =
        at::scaled_dot_product_attention(part(q), part(k), part(v));
    outputs.push_back(mixed.transpose(1, 2).reshape({length, -1}));
    begin += length;
  }
  return at::cat(outputs, 0);
}

}  // namespace lens::model::qwen
