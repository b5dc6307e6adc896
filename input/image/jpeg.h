#pragma once

#include <cstddef>
#include <span>

#include "input/image/image.h"
#include "input/image/limits.h"

namespace lens::image {

// Decodes one JPEG with libjpeg-turbo, to the pixels that PIL gives: accurate
// integer DCT, smooth chroma upsampling, colour profiles ignored, four-channel
// files taken as inverted CMYK whatever they say. Throws InputError for data
// that ends early, is not 8 bits of 1, 3 or 4 channels, or is over the limits.
StoredImage decode_jpeg(std::span<const std::byte> bytes,
                        const DecodeLimits& limits);

}  // namespace lens::image
