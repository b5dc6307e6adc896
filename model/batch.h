#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace lens::model {

// Patches of one image.
struct Grid {
  int height = 0;
  int width = 0;
};

// Where the tokens of one sequence stand, as the family counts.
struct Positions {
  // [axes][tokens]; the number of axes is the family's.
  std::vector<std::vector<std::int64_t>> axes;
  // Position of the token after the last one, the same on all axes.
  std::int64_t next = 0;
};

// `length` new tokens of the sequence in `slot`, which already holds `past`.
struct Segment {
  std::int64_t slot = 0;
  std::int64_t past = 0;
  std::int64_t length = 0;
};

// A pack of segments for one pass of the decoder, one after another without
// padding.
struct Batch {
  std::vector<std::int64_t> ids;                     // [tokens]
  std::vector<std::vector<std::int64_t>> positions;  // [axes][tokens]
  // [image tokens among ids, hidden_size]: what takes their places; undefined
  // where there are none.
  at::Tensor features;
  std::vector<Segment> segments;
};

}  // namespace lens::model
