#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
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

// The prompts that computed tokens are of, as whoever asks for a pass numbers
// them. More than one have a common beginning that is computed once.
struct Owners {
  int first = 0;
  int count = 1;  // first, first + 1, ...

  bool has(int prompt) const {
    return prompt >= first && prompt < first + count;
  }
  bool operator==(const Owners&) const = default;
};

// `length` new tokens of the sequence in `slot`, which already holds `past`.
struct Segment {
  std::int64_t slot = 0;
  std::int64_t past = 0;
  std::int64_t length = 0;
  Owners owners;  // no pass reads it: observers are told
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

// The tokens that the rows of a value are of, one a row: no row is padding.
struct Rows {
  std::span<const std::int64_t> ids;
  // Whose they are: the first `length` rows those of the first segment, and so
  // on. A row's place in its sequence counts up from `past`.
  std::span<const Segment> segments;
};

// One row of them.
struct Row {
  Owners owners;
  std::int64_t position = 0;  // in the sequence, prompt and answer
  std::int64_t id = 0;        // the token there

  bool operator==(const Row&) const = default;
};

std::vector<Row> list_rows(const Rows& rows);

}  // namespace lens::model
