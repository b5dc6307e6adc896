#include "input/image/resize_axis.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace lens::image {
namespace {

constexpr int kMaxPrecision = 22;

// Keys' cubic with a = -0.5. The grouping of the operations is ATen's, so that
// weights which fall on a rounding tie fall to the same side.
double keys_cubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1.0) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2.0) return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  return 0.0;
}

// The largest precision at which the largest weight still fits into 16 bits.
int precision_for(double max_weight) {
  int precision = 0;
  while (precision < kMaxPrecision) {
    const double next = 0.5 + max_weight * (1 << (precision + 1));
    if (static_cast<int>(next) >= 1 << 15) break;
    ++precision;
  }
  return precision;
}

std::int16_t fixed_point(double weight, int precision) {
  const double scaled = weight * (1 << precision);
  // Half away from zero.
  return static_cast<std::int16_t>(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
}

}  // namespace

ResizeAxis make_resize_axis(int input_size, int output_size) {
  const double scale = static_cast<double>(input_size) / output_size;
  // Made smaller, the kernel is stretched over all that falls into one pixel
  // (antialiasing); made larger, it keeps its four.
  const double support = scale >= 1.0 ? 2.0 * scale : 2.0;
  const double inverse_scale = scale >= 1.0 ? 1.0 / scale : 1.0;

  ResizeAxis axis;
  axis.taps = std::min(static_cast<int>(std::ceil(support)) * 2 + 1,
                       std::max(input_size, 1));
  const auto outputs = static_cast<std::size_t>(output_size);
  const auto taps = static_cast<std::size_t>(axis.taps);
  axis.first.resize(outputs);
  axis.count.resize(outputs);
  std::vector<double> exact(outputs * taps, 0.0);
  double max_weight = 0.0;
  for (int i = 0; i < output_size; ++i) {
    const double center = scale * (i + 0.5);
    // Both ends round by cutting off, as ATen and Pillow do.
    const int first = std::max(static_cast<int>(center - support + 0.5), 0);
    const int end =
        std::min(static_cast<int>(center + support + 0.5), input_size);
    const int count = std::clamp(end - first, 0, axis.taps);
    double* const row = exact.data() + static_cast<std::size_t>(i) * taps;
    double total = 0.0;
    for (int k = 0; k < count; ++k) {
      row[k] = keys_cubic((k + first - center + 0.5) * inverse_scale);
      total += row[k];
    }
    for (int k = 0; k < count; ++k) {
      if (total != 0.0) row[k] /= total;
      max_weight = std::max(max_weight, row[k]);
    }
    axis.first[static_cast<std::size_t>(i)] = first;
    axis.count[static_cast<std::size_t>(i)] = count;
  }
  // One precision for the whole axis, from its largest weight: ATen's, where
  // Pillow takes 22 bits for all.
  axis.precision = precision_for(max_weight);
  axis.weights.resize(exact.size());
  std::transform(
      exact.begin(), exact.end(), axis.weights.begin(),
      [&](double weight) { return fixed_point(weight, axis.precision); });
  return axis;
}

}  // namespace lens::image
