#include "model/qwen2_5_vl/windows.h"

namespace lens::model::qwen2_5_vl {
namespace {

// Windows along one side of an image: `count` of `length`, from `begin` on.
struct Band {
  int begin = 0;
  int length = 0;
  int count = 0;
};

// The whole ones, and what is left.
std::vector<Band> bands(int total, int side) {
  std::vector<Band> bands;
  const int whole = total / side;
  if (whole > 0) bands.push_back({0, side, whole});
  if (total % side > 0) bands.push_back({whole * side, total % side, 1});
  return bands;
}

}  // namespace

WindowOrder window_order(std::span<const Grid> grids, int merge, int side) {
  WindowOrder order;
  std::int64_t first = 0;  // token of the image
  for (const Grid& grid : grids) {
    const int width = grid.width / merge;
    const int height = grid.height / merge;
    const auto add_window = [&](int top, int left, int rows, int columns) {
      for (int row = top; row < top + rows; ++row) {
        for (int column = left; column < left + columns; ++column) {
          order.tokens.push_back(first + std::int64_t{row} * width + column);
        }
      }
    };
    for (const Band& down : bands(height, side)) {
      for (const Band& across : bands(width, side)) {
        for (int i = 0; i < down.count; ++i) {
          for (int j = 0; j < across.count; ++j) {
            add_window(down.begin + i * down.length,
                       across.begin + j * across.length, down.length,
                       across.length);
          }
        }
        order.windows.push_back(
            {std::int64_t{down.length} * across.length * merge * merge,
             std::int64_t{down.count} * across.count});
      }
    }
    first += std::int64_t{width} * height;
  }
  return order;
}

}  // namespace lens::model::qwen2_5_vl
