#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace lens::image {

// 8-bit RGB, rows top to bottom, interleaved: pixels[(y * width + x) * 3 + c].
struct RgbImage {
  int height = 0;
  int width = 0;
  std::vector<std::uint8_t> pixels;
};

struct DecodeLimits {
  std::int64_t max_bytes = 64 << 20;     // encoded size
  std::int64_t max_pixels = 50'000'000;  // height x width, checked before
                                         // anything of that size is allocated
  int max_aspect = 0;  // longer side / shorter side, 0 for any; likewise
};

// Decodes JPEG or PNG as PIL's open + exif_transpose + convert("RGB") does.
// Throws lens::InputError with the reason for anything else: empty, truncated,
// corrupt, GIF or another format (named), too large.
RgbImage decode_image(std::span<const std::byte> bytes,
                      const DecodeLimits& limits = {});

// Antialiased bicubic in two passes over uint8, width first: the integer
// arithmetic of ATen's uint8 kernel, which Hugging Face's default processor
// uses. Bit-exact with it.
RgbImage resize_bicubic(const RgbImage& image, int height, int width);

}  // namespace lens::image
