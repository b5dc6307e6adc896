#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "worker/error.h"
#include "worker/image/image.h"
#include "worker/image/resize_axis.h"

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

// Four lanes: red, green, blue, and one that is thrown away.
typedef std::int32_t Lanes __attribute__((vector_size(16)));
typedef std::uint8_t Bytes __attribute__((vector_size(4)));

// Reads four bytes: the pixel and one behind it.
inline Lanes load_pixel(const std::uint8_t* pixel) {
  Bytes bytes;
  std::memcpy(&bytes, pixel, sizeof(bytes));
  return __builtin_convertvector(bytes, Lanes);
}

// Writes four bytes; the one behind the pixel is overwritten by the next.
inline void store_pixel(std::uint8_t* pixel, Lanes sum, int precision) {
  const Lanes lowest = {0, 0, 0, 0};
  const Lanes highest = {255, 255, 255, 255};
  Lanes value = sum >> precision;
  value = value < lowest ? lowest : value;
  value = value > highest ? highest : value;
  const Bytes bytes = __builtin_convertvector(value, Bytes);
  std::memcpy(pixel, &bytes, sizeof(bytes));
}

// Resizes one row. Both rows need one byte more than their pixels.
LENS_FOR_EACH_CPU
void resize_row(const std::uint8_t* input, const ResizeAxis& axis,
                std::uint8_t* output) {
  const int half = 1 << (axis.precision - 1);
  const std::size_t outputs = axis.first.size();
  const std::int16_t* weights = axis.weights.data();
  for (std::size_t i = 0; i < outputs; ++i, weights += axis.taps) {
    const std::uint8_t* pixel = input + std::ptrdiff_t{3} * axis.first[i];
    Lanes sum = {half, half, half, half};
    for (int k = 0; k < axis.count[i]; ++k, pixel += 3) {
      sum += load_pixel(pixel) * static_cast<std::int32_t>(weights[k]);
    }
    store_pixel(output + 3 * i, sum, axis.precision);
  }
}

// Weighs `count` rows of `bytes` bytes, `stride` apart, into one.
LENS_FOR_EACH_CPU
void blend_rows(const std::uint8_t* input, std::size_t stride,
                const std::int16_t* weights, int count, int precision,
                std::size_t bytes, std::uint8_t* output) {
  // A block's sums stay in the first cache level.
  constexpr std::size_t kBlock = 512;
  std::int32_t sums[kBlock];
  for (std::size_t left = 0; left < bytes; left += kBlock) {
    const std::size_t width = std::min(kBlock, bytes - left);
    std::fill_n(sums, width, 1 << (precision - 1));
    for (int k = 0; k < count; ++k) {
      const std::uint8_t* row =
          input + static_cast<std::size_t>(k) * stride + left;
      const std::int16_t weight = weights[k];
      for (std::size_t x = 0; x < width; ++x) {
        sums[x] += static_cast<std::int16_t>(row[x]) * weight;
      }
    }
    for (std::size_t x = 0; x < width; ++x) {
      output[left + x] =
          static_cast<std::uint8_t>(std::clamp(sums[x] >> precision, 0, 255));
    }
  }
}

RgbImage resize_width(const RgbImage& image, int width) {
  const ResizeAxis axis = make_resize_axis(image.width, width);
  RgbImage result;
  result.height = image.height;
  result.width = width;
  const std::size_t from_stride = std::size_t{3} * image.width;
  const std::size_t to_stride = std::size_t{3} * width;
  // One byte more for the last pixel's fourth lane, taken off at the end.
  result.pixels.resize(to_stride * image.height + 1);
  std::uint8_t* to = result.pixels.data();
  const std::uint8_t* from = image.pixels.data();
  for (int y = 0; y + 1 < image.height; ++y) {
    resize_row(from, axis, to);
    from += from_stride;
    to += to_stride;
  }
  std::vector<std::uint8_t> last(from, from + from_stride);
  last.push_back(0);
  resize_row(last.data(), axis, to);
  result.pixels.pop_back();
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
  if (width == image.width) {
    return height == image.height ? image : resize_height(image, height);
  }
  RgbImage narrowed = resize_width(image, width);
  return height == image.height ? narrowed : resize_height(narrowed, height);
}

}  // namespace lens::image
