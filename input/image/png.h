#pragma once

#include <cstddef>
#include <span>

#include "input/image/image.h"
#include "input/image/limits.h"

namespace lens::image {

// Decodes one PNG with libpng, to the pixels that PIL's convert("RGB") gives:
// transparency, gamma and colour profiles are dropped; of 16-bit colour the
// high byte is kept, while 16-bit grey is clipped at 255. Of an animation the
// still image. Throws InputError for damaged data and for data that ends
// before the last row; as there, what is wrong or missing behind the last row
// (checksums of chunks, the end of the compressed data, the end chunk) is no
// matter, while before the image data every chunk's checksum must be right.
StoredImage decode_png(std::span<const std::byte> bytes,
                       const DecodeLimits& limits);

}  // namespace lens::image
