#include "input/image/preprocess.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include "base/error.h"

namespace lens::image {
namespace {

// A bound on what a wrong configuration can make us allocate: 2^28 pixels are
// 6 GiB of patches.
constexpr double kMaxResizedPixels = 1 << 28;

// The float value of each level of each channel. Every pixel has one of 3 x
// 256 values, so a table costs nothing and rounds as the processor does: mean
// and std are scaled in float32, then subtracted and divided.
struct Levels {
  explicit Levels(const PreprocessorConfig& config) {
    // (x - 255 mean) / (255 std): the fused form of transformers' fast
    // processor, whose last bit differs from that of x / 255 first.
    const auto range = static_cast<float>(1.0 / config.rescale_factor);
    for (std::size_t c = 0; c < 3; ++c) {
      const float mean = config.mean[c] * range;
      const float std = config.std[c] * range;
      for (int level = 0; level < 256; ++level) {
        values[c][level] = (static_cast<float>(level) - mean) / std;
      }
    }
  }
  float values[3][256];
};

// The level of a channel whose normalised value is nearest to 0.
std::uint8_t mean_level(float mean, const PreprocessorConfig& config) {
  return static_cast<std::uint8_t>(std::clamp(
      std::nearbyint(static_cast<double>(mean) / config.rescale_factor), 0.0,
      255.0));
}

void make_blank(const PreprocessorConfig& config, RgbImage& image) {
  for (std::size_t c = 0; c < 3; ++c) {
    const std::uint8_t level = mean_level(config.mean[c], config);
    for (std::size_t i = c; i < image.pixels.size(); i += 3)
      image.pixels[i] = level;
  }
}

// Writes one patch, columns (channel, frame, row, column), and returns where
// the next begins. `pixel` is the patch's upper left corner.
float* write_patch(const std::uint8_t* pixel, std::size_t stride,
                   const PreprocessorConfig& config, const Levels& levels,
                   float* to) {
  const int side = config.patch_size;
  const std::size_t area = static_cast<std::size_t>(side) * side;
  for (int channel = 0; channel < 3; ++channel) {
    const float* const level = levels.values[channel];
    const float* const frame = to;
    for (int row = 0; row < side; ++row) {
      const std::uint8_t* from = pixel + stride * row + channel;
      for (int x = 0; x < side; ++x) to[x] = level[from[3 * x]];
      to += side;
    }
    // A still image is a film of equal frames.
    for (int copy = 1; copy < config.temporal_patch_size; ++copy, to += area) {
      std::memcpy(to, frame, area * sizeof(float));
    }
  }
  return to;
}

}  // namespace

Size smart_resize(int height, int width, const PreprocessorConfig& config) {
  const std::string problem = "cannot resize image of " +
                              std::to_string(width) + " x " +
                              std::to_string(height) + " pixels";
  if (height <= 0 || width <= 0) throw InputError(problem, "it has no pixels");
  const double longer = std::max(height, width);
  const double shorter = std::min(height, width);
  if (longer / shorter > kMaxAspect) {
    throw InputError(problem, "one side is over 200 times the other",
                     "crop or pad it");
  }
  // Doubles hold these integers exactly, and division rounds as Python's.
  const double factor = config.patch_size * config.merge_size;
  const double area = static_cast<double>(height) * width;
  const auto min_pixels = static_cast<double>(config.min_pixels);
  const auto max_pixels = static_cast<double>(config.max_pixels);
  // nearbyint: ties to even, as Python rounds.
  double new_height = std::nearbyint(height / factor) * factor;
  double new_width = std::nearbyint(width / factor) * factor;
  if (new_height * new_width > max_pixels) {
    const double beta = std::sqrt(area / max_pixels);
    // In the order of transformers' divisions: h / beta / factor may round
    // otherwise than h / (beta * factor).
    new_height = std::max(factor, std::floor(height / beta / factor) * factor);
    new_width = std::max(factor, std::floor(width / beta / factor) * factor);
  } else if (new_height * new_width < min_pixels) {
    const double beta = std::sqrt(min_pixels / area);
    new_height = std::ceil(height * beta / factor) * factor;
    new_width = std::ceil(width * beta / factor) * factor;
  }
  const double new_area = new_height * new_width;
  if (!(new_area > 0 && new_area <= kMaxResizedPixels)) {
    throw InputError(problem, "min_pixels and max_pixels give no usable size",
                     "set them between 3136 and 12845056");
  }
  return {static_cast<int>(new_height), static_cast<int>(new_width)};
}

FittedImage fit_image(const RgbImage& image, const PreprocessorConfig& config) {
  const Size size = smart_resize(image.height, image.width, config);
  return {.pixels = resize_bicubic(image, size.height, size.width),
          .grid_height = size.height / config.patch_size,
          .grid_width = size.width / config.patch_size,
          .source_height = image.height,
          .source_width = image.width};
}

FittedImage fit_image(std::span<const std::byte> encoded,
                      const PreprocessorConfig& config,
                      const DecodeLimits& limits) {
  DecodeLimits with_aspect = limits;
  // Refused before it is decoded: a file can claim 100,000 pixels by one.
  if (with_aspect.max_aspect == 0) with_aspect.max_aspect = kMaxAspect;
  RgbImage image = decode_image(encoded, with_aspect);
  if (config.blank) make_blank(config, image);
  return fit_image(image, config);
}

std::size_t patch_count(const FittedImage& image,
                        const PreprocessorConfig& config) {
  return image.pixels.pixels.size() * config.temporal_patch_size;
}

std::vector<float> patch_values(const FittedImage& image,
                                const PreprocessorConfig& config) {
  std::vector<float> values(patch_count(image, config));
  write_patches(image, config, values);
  return values;
}

void write_patches(const FittedImage& image, const PreprocessorConfig& config,
                   std::span<float> values) {
  const Levels levels(config);
  const std::size_t stride = std::size_t{3} * image.pixels.width;
  const std::size_t down = stride * config.patch_size;
  const std::size_t right = std::size_t{3} * config.patch_size;
  const int merge = config.merge_size;
  float* to = values.data();
  // Patches block by block, not row by row: the merge x merge of a block become
  // one token.
  for (int top = 0; top < image.grid_height; top += merge) {
    for (int left = 0; left < image.grid_width; left += merge) {
      for (int y = top; y < top + merge; ++y) {
        for (int x = left; x < left + merge; ++x) {
          to = write_patch(image.pixels.pixels.data() + down * y + right * x,
                           stride, config, levels, to);
        }
      }
    }
  }
}

}  // namespace lens::image
