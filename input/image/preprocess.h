#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "input/image/image.h"

namespace lens::image {

// Pictures whose one side is more times the other are refused, as transformers
// does.
inline constexpr int kMaxAspect = 200;

// preprocessor_config.json of a checkpoint; missing keys take the values that
// transformers 5.17's processor takes.
struct PreprocessorConfig {
  std::int64_t min_pixels = 3136;
  std::int64_t max_pixels = 1003520;
  int patch_size = 14;
  int temporal_patch_size = 2;
  int merge_size = 2;
  std::array<float, 3> mean = {0.48145466f, 0.4578275f, 0.40821073f};
  std::array<float, 3> std = {0.26862954f, 0.26130258f, 0.27577711f};
  double rescale_factor = 1.0 / 255.0;  // of levels, before mean and std
  // A control: each picture that is read from a file is replaced by one of its
  // size that is all mean colour, before it is resized. Its patches are zeros
  // but for the rounding of that colour to 8 bits.
  bool blank = false;
  std::filesystem::path file = {};  // where the settings come from
  // What was chosen where the files say two things, a line each.
  std::vector<std::string> notes = {};

  // `processors` are the classes of image processors that do as this one.
  // Throws lens::InputError for a missing or broken file, another class, and
  // for steps that are left out or done in another way.
  static PreprocessorConfig load(const std::filesystem::path& checkpoint,
                                 std::span<const std::string_view> processors);
};

struct Size {
  int height = 0;
  int width = 0;
  bool operator==(const Size&) const = default;
};

// The size an image is resized to: sides are multiples of patch_size *
// merge_size, area within min_pixels and max_pixels as far as the rule of
// transformers gives it. Ties round to even. Throws lens::InputError when one
// side is over 200 times the other.
Size smart_resize(int height, int width, const PreprocessorConfig& config);

// An image at the model's size, 3 bytes a pixel: images wait for the vision
// tower in this form, since as patches they take 24.
struct FittedImage {
  RgbImage pixels;
  int grid_height = 0;  // patches, before the merge
  int grid_width = 0;
  int source_height = 0;  // pixels after EXIF
  int source_width = 0;

  int tokens(int merge_size) const {
    return grid_height * grid_width / (merge_size * merge_size);
  }
  FittedImage without_pixels() const {
    return {{}, grid_height, grid_width, source_height, source_width};
  }
};

// decode + smart_resize + resize. Throws lens::InputError.
FittedImage fit_image(std::span<const std::byte> encoded,
                      const PreprocessorConfig& config,
                      const DecodeLimits& limits = {});

// The same from decoded pixels.
FittedImage fit_image(const RgbImage& image, const PreprocessorConfig& config);

// What the vision tower reads: normalise + patchify. With fit_image() it equals
// the default processor of transformers 5.17 within 1e-6.
//
//   returns [grid_height * grid_width, 3 * temporal_patch_size * patch_size^2]
//           float32; rows in merge-block-major order, columns (channel, frame,
//           row, column)
std::vector<float> patch_values(const FittedImage& image,
                                const PreprocessorConfig& config);

// The same to where the caller has room for them: `to` is of patch_count()
// values, of which none need be set before.
std::size_t patch_count(const FittedImage& image,
                        const PreprocessorConfig& config);
void write_patches(const FittedImage& image, const PreprocessorConfig& config,
                   std::span<float> to);

}  // namespace lens::image
