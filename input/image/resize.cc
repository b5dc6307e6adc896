#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "input/image/image.h"
#include "input/image/resize_axis.h"

// The two loops below are compiled once more for AVX2, and the better one is
// chosen when the program starts. Sanitizers do not stand the mechanism.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define LENS_FOR_EACH_CPU __attribute__((target_clones("avx2", "default")))
#else
#define LENS_FOR_EACH_CPU
#endif

namespace lens::image {
namespace {

// Rows that the first pass takes at once, turned so that what is one below the
// other in the picture lies side by side in memory: then both passes are the
// same loop, and it vectorises.
constexpr std::size_t kRows = 16;
constexpr std::size_t kColumnBytes = 3 * kRows;

// Weighs `count` rows of kBytes bytes, `stride` apart, into one.
template <std::size_t kBytes>
[[gnu::always_inline]] inline void blend(const std::uint8_t* input,
                                         std::size_t stride,
                                         const std::int16_t* weights, int count,
                                         int precision, std::uint8_t* output) {
  std::int32_t sums[kBytes];
  // Half of the last place: the shift below then rounds.
  std::fill_n(sums, kBytes, 1 << (precision - 1));
  for (int k = 0; k < count; ++k, input += stride) {
    const std::int16_t weight = weights[k];
    for (std::size_t i = 0; i < kBytes; ++i) {
      sums[i] += static_cast<std::int16_t>(input[i]) * weight;
    }
  }
  for (std::size_t i = 0; i < kBytes; ++i) {
    output[i] =
        // Cubic weights overshoot. What is cut off here between the two passes
        // is part of the result: a resize in floats, rounded once, differs by
        // 20 levels beside black strokes.
        static_cast<std::uint8_t>(std::clamp(sums[i] >> precision, 0, 255));
  }
}

// Weighs `count` rows of `bytes` bytes, `stride` apart, into one.
LENS_FOR_EACH_CPU
void blend_rows(const std::uint8_t* input, std::size_t stride,
                const std::int16_t* weights, int count, int precision,
                std::size_t bytes, std::uint8_t* output) {
  // The sums of a block stay in the first cache level.
  constexpr std::size_t kBlock = 256;
  std::size_t left = 0;
  for (; left + kBlock <= bytes; left += kBlock) {
    blend<kBlock>(input + left, stride, weights, count, precision,
                  output + left);
  }
  for (; left + 16 <= bytes; left += 16) {
    blend<16>(input + left, stride, weights, count, precision, output + left);
  }
  for (; left < bytes; ++left) {
    blend<1>(input + left, stride, weights, count, precision, output + left);
  }
}

// Resizes columns of kColumnBytes bytes to another number of columns.
LENS_FOR_EACH_CPU
void blend_columns(const std::uint8_t* input, const ResizeAxis& axis,
                   std::uint8_t* output) {
  const std::int16_t* weights = axis.weights.data();
  for (std::size_t i = 0; i < axis.first.size(); ++i) {
    blend<kColumnBytes>(input + kColumnBytes * axis.first[i], kColumnBytes,
                        weights, axis.count[i], axis.precision,
                        output + kColumnBytes * i);
    weights += axis.taps;
  }
}

// Writes kRows rows of kRows bytes as columns.
#ifdef __SSE2__
void turn_block(const std::uint8_t* from, std::size_t from_stride,
                std::uint8_t* to, std::size_t to_stride) {
  static_assert(kRows == 16, "a register holds 16 bytes");
  __m128i rows[kRows], next[kRows];
  for (std::size_t i = 0; i < kRows; ++i) {
    rows[i] = _mm_loadu_si128(
        reinterpret_cast<const __m128i*>(from + i * from_stride));
  }
  // Each step brings together what is eight rows apart; four of them turn.
  for (int step = 0; step < 4; ++step) {
    for (std::size_t i = 0; i < kRows / 2; ++i) {
      next[2 * i] = _mm_unpacklo_epi8(rows[i], rows[i + kRows / 2]);
      next[2 * i + 1] = _mm_unpackhi_epi8(rows[i], rows[i + kRows / 2]);
    }
    std::copy_n(next, kRows, rows);
  }
  for (std::size_t i = 0; i < kRows; ++i) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + i * to_stride), rows[i]);
  }
}
#else
void turn_block(const std::uint8_t* from, std::size_t from_stride,
                std::uint8_t* to, std::size_t to_stride) {
  for (std::size_t x = 0; x < kRows; ++x) {
    for (std::size_t y = 0; y < kRows; ++y) {
      to[x * to_stride + y] = from[y * from_stride + x];
    }
  }
}
#endif

// [rows, bytes] to [bytes, kRows], and back.
void turn(const std::uint8_t* rows, std::size_t count, std::size_t bytes,
          std::uint8_t* columns) {
  std::size_t x = 0;
  for (; count == kRows && x + kRows <= bytes; x += kRows) {
    turn_block(rows + x, bytes, columns + x * kRows, kRows);
  }
  for (; x < bytes; ++x) {
    for (std::size_t y = 0; y < count; ++y) {
      columns[x * kRows + y] = rows[y * bytes + x];
    }
  }
}

void turn_back(const std::uint8_t* columns, std::size_t count,
               std::size_t bytes, std::uint8_t* rows) {
  std::size_t x = 0;
  for (; count == kRows && x + kRows <= bytes; x += kRows) {
    turn_block(columns + x * kRows, kRows, rows + x, bytes);
  }
  for (; x < bytes; ++x) {
    for (std::size_t y = 0; y < count; ++y) {
      rows[y * bytes + x] = columns[x * kRows + y];
    }
  }
}

RgbImage resize_width(const RgbImage& image, int width) {
  const ResizeAxis axis = make_resize_axis(image.width, width);
  RgbImage result;
  result.height = image.height;
  result.width = width;
  const std::size_t from_bytes = std::size_t{3} * image.width;
  const std::size_t to_bytes = std::size_t{3} * width;
  const auto height = static_cast<std::size_t>(image.height);
  result.pixels.resize(to_bytes * height);
  std::vector<std::uint8_t> from(from_bytes * kRows);
  std::vector<std::uint8_t> to(to_bytes * kRows);
  for (std::size_t y = 0; y < height; y += kRows) {
    const std::size_t count = std::min(kRows, height - y);
    turn(image.pixels.data() + y * from_bytes, count, from_bytes, from.data());
    blend_columns(from.data(), axis, to.data());
    turn_back(to.data(), count, to_bytes, result.pixels.data() + y * to_bytes);
  }
  return result;
}

RgbImage resize_height(const RgbImage& image, int height) {
  const ResizeAxis axis = make_resize_axis(image.height, height);
  RgbImage result;
  result.height = height;
  result.width = image.width;
  const std::size_t stride = std::size_t{3} * image.width;
  result.pixels.resize(stride * height);
  for (std::size_t y = 0; y < axis.first.size(); ++y) {
    blend_rows(image.pixels.data() + stride * axis.first[y], stride,
               axis.weights.data() + y * axis.taps, axis.count[y],
               axis.precision, stride, result.pixels.data() + stride * y);
  }
  return result;
}

}  // namespace

RgbImage resize_bicubic(const RgbImage& image, int height, int width) {
  if (image.height <= 0 || image.width <= 0 || height <= 0 || width <= 0) {
    throw InputError("cannot resize image " + std::to_string(image.width) +
                         " x " + std::to_string(image.height) + " to " +
                         std::to_string(width) + " x " + std::to_string(height),
                     "a side is not positive");
  }
  // Width first, and a side that stays as it is is not touched: ATen's order.
  if (width == image.width) {
    return height == image.height ? image : resize_height(image, height);
  }
  RgbImage narrowed = resize_width(image, width);
  return height == image.height ? narrowed : resize_height(narrowed, height);
}

}  // namespace lens::image
