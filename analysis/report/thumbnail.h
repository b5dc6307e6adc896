#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "input/image/image.h"

namespace lens::analysis::report {

// A picture for a report: at most 240 x 240 pixels in area and 480 on a side,
// so that a line of formula stays readable; never enlarged.
image::RgbImage shrink(const image::RgbImage& picture);

// Baseline JPEG. Throws InputError where libjpeg refuses.
std::vector<std::byte> encode_jpeg(const image::RgbImage& picture, int quality);

struct Thumbnail {
  std::string uri;  // "data:image/jpeg;base64,..."; empty where there is none
  int width = 0, height = 0;                // pixels of the thumbnail
  int source_width = 0, source_height = 0;  // of the picture
  std::string reason;                       // why there is none
};

// Of an encoded picture. The quality is lowered until it takes at most about
// 10 kB. What cannot be decoded gives its reason.
Thumbnail make_thumbnail(std::span<const std::byte> encoded);

}  // namespace lens::analysis::report
