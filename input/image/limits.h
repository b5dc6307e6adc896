#pragma once

#include <cstdint>
#include <string_view>

#include "input/image/image.h"

namespace lens::image {

// Throws InputError unless a picture of these sides may be decoded. Called as
// soon as a header is read, before anything of the picture's size exists.
void check_sides(std::string_view format, std::int64_t height,
                 std::int64_t width, const DecodeLimits& limits);

// What the decoder of one format hands back: pixels as they are stored, and
// how to turn them upright (the EXIF Orientation value, 1 to 8).
struct StoredImage {
  RgbImage pixels;
  int orientation = 1;
};

}  // namespace lens::image
