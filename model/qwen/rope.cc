#include "model/qwen/rope.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/reciprocal.h>
#include <ATen/ops/tensor.h>

#include <algorithm>

#include "base/error.h"
#include "model/cuda/fused.h"

namespace lens::model::qwen {
namespace {

// base^(-2j/dim), j = 0 .. dim/2-1, in float32 as transformers computes it.
at::Tensor inverse_frequencies(double base, int dim) {
  const at::Tensor exponent = at::arange(0, dim, 2, at::kFloat) / dim;
  return at::reciprocal(at::pow(base, exponent));
}

}  // namespace

Positions mrope_positions(std::span<const std::int64_t> ids,
                          std::span<const Grid> grids, const Config& config) {
  const int merge = config.vision.spatial_merge_size;
  Positions positions;
  positions.axes.resize(3);
  for (auto& axis : positions.axes) axis.reserve(ids.size());
  std::size_t used = 0;
  for (std::size_t i = 0; i < ids.size();) {
    const std::int64_t start = positions.next;
    if (ids[i] != config.image_token_id) {
      for (auto& axis : positions.axes) axis.push_back(start);
      positions.next = start + 1;
      ++i;
      continue;
    }
    std::size_t end = i;
    while (end < ids.size() && ids[end] == config.image_token_id) ++end;
    if (used == grids.size()) {
      throw InputError("the prompt has more images than were given", "");
    }
    const int rows = grids[used].height / merge;
    const int columns = grids[used].width / merge;
    ++used;
    if (static_cast<std::size_t>(rows) * columns != end - i) {
      throw InputError(
          "the prompt has " + std::to_string(end - i) + " image tokens",
          "the image has " + std::to_string(rows * columns));
    }
    for (int row = 0; row < rows; ++row) {
      for (int column = 0; column < columns; ++column) {
        // A picture is one frame: all of its tokens have the same time.
        positions.axes[0].push_back(start);
        positions.axes[1].push_back(start + row);
        positions.axes[2].push_back(start + column);
      }
    }
    // Text goes on behind the largest position of any axis, not behind the
    // number of the picture's tokens.
    positions.next = start + std::max(rows, columns);
    i = end;
  }
  if (used != grids.size()) {
    throw InputError("the prompt has fewer images than were given", "");
  }
  return positions;
}

at::Tensor text_frequencies(const TextConfig& config) {
  return inverse_frequencies(config.rope_theta, config.head_dim());
}

Rotation text_rotation(const at::Tensor& positions,
                       const at::Tensor& frequencies,
                       const TextConfig& config) {
  // [3, tokens, head_dim / 2]; the sections take their angle from one axis
  // each.
  const at::Tensor angles =
      positions.to(at::kFloat).unsqueeze(-1) * frequencies;
  std::vector<at::Tensor> sections;
  std::int64_t begin = 0;
  for (int axis = 0; axis < 3; ++axis) {
    const int length = config.mrope_section[axis];
    sections.push_back(angles.select(0, axis).narrow(-1, begin, length));
    begin += length;
  }
  const at::Tensor half = at::cat(sections, -1);
  // rotate() turns value j together with value j + head_dim / 2.
  const at::Tensor full = at::cat({half, half}, -1);
  // These stay float32 in a bfloat16 model, where transformers rounds them.
  return {full.cos(), full.sin()};
}

Rotation vision_rotation(std::span<const Grid> grids, const TowerConfig& config,
                         at::Device device) {
  const int merge = config.spatial_merge_size;
  std::vector<float> rows;
  std::vector<float> columns;
  for (const Grid& grid : grids) {
    // Patches come block by block: those that become one token lie together.
    for (int block_row = 0; block_row < grid.height; block_row += merge) {
      for (int block_column = 0; block_column < grid.width;
           block_column += merge) {
        for (int row = 0; row < merge; ++row) {
          for (int column = 0; column < merge; ++column) {
            rows.push_back(static_cast<float>(block_row + row));
            columns.push_back(static_cast<float>(block_column + column));
          }
        }
      }
    }
  }
  const at::Tensor frequencies =
      inverse_frequencies(config.rope_theta, config.head_dim() / 2).to(device);
  const auto angles = [&](const std::vector<float>& coordinates) {
    return at::tensor(coordinates, at::kFloat).to(device).unsqueeze(-1) *
           frequencies;
  };
  const at::Tensor half = at::cat({angles(rows), angles(columns)}, -1);
  const at::Tensor full = at::cat({half, half}, -1);
  return {full.cos(), full.sin()};
}

at::Tensor rotate(const at::Tensor& x, const Rotation& rotation) {
  if (cuda::fuses(x)) return cuda::rotate(x, rotation.cos, rotation.sin);
  const at::Tensor wide = x.to(at::kFloat);
  // [-second half, first half]: rotate_half of transformers.
  const std::int64_t half = x.size(-1) / 2;
  const at::Tensor turned =
      at::cat({-wide.narrow(-1, half, half), wide.narrow(-1, 0, half)}, -1);
  return (wide * rotation.cos.unsqueeze(1) + turned * rotation.sin.unsqueeze(1))
      .to(x.scalar_type());
}

}  // namespace lens::model::qwen
