#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>

#include "model/batch.h"
#include "model/qwen/config.h"

namespace lens::model::qwen {

// cos and sin of the rotation angles, each [tokens, head_dim] float32.
struct Rotation {
  at::Tensor cos;
  at::Tensor sin;
};

// M-RoPE positions of one sequence (get_rope_index of transformers) on three
// axes: temporal, height, width.
//
// Text counts up on all axes alike; a run of image tokens holds its start on
// the temporal axis and adds row and column of the merged grid on the others;
// what follows goes on after the larger side. `grids` are those of the runs in
// order. Throws lens::InputError when runs and grids do not fit each other.
Positions mrope_positions(std::span<const std::int64_t> ids,
                          std::span<const Grid> grids, const Config& config);

// What the positions of the decoder are multiplied by: float32 on the CPU,
// [head_dim / 2].
at::Tensor text_frequencies(const TextConfig& config);

// Angles of the decoder. positions [3, tokens] int64; text_frequencies() on the
// same device.
Rotation text_rotation(const at::Tensor& positions,
                       const at::Tensor& frequencies, const TextConfig& config);

// Angles of the vision tower for the images' patches, one image after another
// in merge-block order, float32 on `device`: [sum of grid areas, head_dim].
Rotation vision_rotation(std::span<const Grid> grids, const TowerConfig& config,
                         at::Device device);

// x * cos + rotate_half(x) * sin, computed in float32 and rounded once to x's
// dtype; x [tokens, heads, head_dim].
at::Tensor rotate(const at::Tensor& x, const Rotation& rotation);

}  // namespace lens::model::qwen
