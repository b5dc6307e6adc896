#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/batch.h"
#include "model/qwen/patch_attention.h"

namespace lens::model::qwen2_5_vl {

// A pack of images in the order in which a window's patches lie together.
struct WindowOrder {
  // The merged tokens, image after image: of each its number in the order in
  // which they were given, row by row.
  std::vector<std::int64_t> tokens;
  // The windows there. Those of one size follow one another, so that one call
  // takes them together: at most four sizes an image.
  std::vector<qwen::PatchGroups> windows;
};

// Windows begin at the upper left corner; those at the right and at the bottom
// are as wide and high as is left.
//
//   merge  patches a side of a merged token
//   side   merged tokens a side of a window
WindowOrder window_order(std::span<const Grid> grids, int merge, int side);

}  // namespace lens::model::qwen2_5_vl
