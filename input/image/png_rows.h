#pragma once

#include <cstddef>
#include <vector>

#include "input/image/png_metadata.h"

namespace lens::image {

// The picture's rows of a PNG as a zlib stream that is whole, or nothing where
// the file does not hold all of them. PIL stops reading at the last row: what
// comes behind it in the compressed data may be missing or wrong, while what
// zlib finds wrong in the piece that brings the last row is refused.
std::vector<std::byte> mended_rows(const PngMetadata& metadata);

}  // namespace lens::image
