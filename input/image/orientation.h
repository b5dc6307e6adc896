#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "input/image/image.h"

namespace lens::image {

// The Orientation value of an EXIF block: a TIFF header and its first
// directory, with or without "Exif\0\0" before it. Nothing when the block is
// damaged or has no such tag; the value may lie outside 1..8.
std::optional<int> exif_orientation(std::span<const std::byte> block);

// The tiff:Orientation digit of an XMP packet; files without the EXIF tag may
// still have this one.
std::optional<int> xmp_orientation(std::string_view packet);

// Turns stored pixels upright. Values outside 2..8 leave the image as it is.
RgbImage apply_orientation(RgbImage image, int orientation);

}  // namespace lens::image
