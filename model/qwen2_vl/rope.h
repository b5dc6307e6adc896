#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

#include "model/qwen2_vl/config.h"

namespace lens::model {

// cos and sin of the rotation angles, each [tokens, head_dim] float32.
struct Rotation {
  at::Tensor cos;
  at::Tensor sin;
};

struct Grid {
  int height = 0;  // patches
  int width = 0;
};

// M-RoPE positions of one sequence (Qwen2-VL, get_rope_index of transformers).
struct MropePositions {
  // [3][tokens]: temporal, height, width.
  std::array<std::vector<std::int64_t>, 3> axes;
  // Position of the token after the last one, the same on all axes.
  std::int64_t next = 0;
};

// Text counts up on all axes alike; a run of image tokens holds its start on
// the temporal axis and adds row and column of the merged grid on the others;
// what follows goes on after the larger side. `grids` are those of the runs in
// order. Throws lens::InputError when runs and grids do not fit each other.
MropePositions mrope_positions(std::span<const std::int64_t> ids,
                               std::span<const Grid> grids,
                               const ModelConfig& config);

// Angles of the decoder on the positions' device; positions [3, tokens] int64.
Rotation text_rotation(const at::Tensor& positions, const TextConfig& config);

// Angles of the vision tower for one image's patches in merge-block order,
// float32 on `device`: [grid.height * grid.width, head_dim].
Rotation vision_rotation(Grid grid, const VisionConfig& config,
                         at::Device device);

// x * cos + rotate_half(x) * sin, computed in float32 and rounded once to x's
// dtype; x [tokens, heads, head_dim].
at::Tensor rotate(const at::Tensor& x, const Rotation& rotation);

}  // namespace lens::model
