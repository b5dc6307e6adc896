#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "collective/collective.h"
#include "model/cuda/fused.h"
#include "model/qwen/linear.h"
#include "model/qwen/rope.h"

namespace lens::model::qwen {

// Patches of a pack that lie together: `count` groups of `patches` each.
struct PatchGroups {
  std::int64_t patches = 0;
  std::int64_t count = 1;

  bool operator==(const PatchGroups&) const = default;
};

// Attention of a tower's block: full within a group of patches and absent
// between groups, without padding.
class PatchAttention {
 public:
  //   groups   of all patches of the pack, in their order
  //   options  weights' dtype and device
  PatchAttention(std::vector<PatchGroups> groups, int head_dim,
                 const at::TensorOptions& options);

  // x [patches, embed_dim] -> the same shape.
  //   qkv, proj  of this rank's heads: q of all, then k, then v
  //   rotation   of all patches
  at::Tensor attend(const at::Tensor& x, const LinearWeights& qkv,
                    const LinearWeights& proj, const Rotation& rotation,
                    collective::Collective* ranks) const;

 private:
  at::Tensor mix(const at::Tensor& qkv, const Rotation& rotation) const;

  // constant after construction
  const std::vector<PatchGroups> groups_;
  const int head_dim_;
  // Where one call of it does them all.
  const std::optional<cuda::PackedAttention> packed_;
};

}  // namespace lens::model::qwen
