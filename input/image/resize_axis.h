#pragma once

#include <cstdint>
#include <vector>

namespace lens::image {

// The weights of one pass of the antialiased bicubic resize: output i is
//   clamp((2^(precision-1) + sum_k weights[i*taps + k] * input[first[i] + k])
//         >> precision, 0, 255)     over k = 0 .. count[i]-1.
// Rows of `weights` are padded with zeros to `taps`.
struct ResizeAxis {
  int precision = 0;
  int taps = 0;
  std::vector<int> first;
  std::vector<int> count;
  std::vector<std::int16_t> weights;
};

// Requires both sizes to be positive.
ResizeAxis make_resize_axis(int input_size, int output_size);

}  // namespace lens::image
