#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace lens::image {

// What the chunks of a PNG say about its picture.
struct PngMetadata {
  std::int64_t height = 0;
  std::int64_t width = 0;
  int bit_depth = 0;
  int color_type = 0;   // as in the header chunk: 0, 2, 3, 4, 6
  int orientation = 1;  // of eXIf, else of a raw profile text, else of XMP
  bool has_all_data = false;  // no image data chunk is cut off
};

// Walks the chunks of a file that starts with the PNG signature, without
// inflating the picture. Texts that it must inflate are bounded. Throws
// InputError when the header chunk is missing.
PngMetadata read_png_metadata(std::span<const std::byte> bytes);

}  // namespace lens::image
