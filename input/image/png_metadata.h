#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace lens::image {

// What the chunks of a PNG say about its picture.
struct PngMetadata {
  std::int64_t height = 0;
  std::int64_t width = 0;
  int bit_depth = 0;
  int color_type = 0;  // as in the header chunk: 0, 2, 3, 4, 6
  bool interlaced = false;
  int orientation = 1;  // of eXIf, else of a raw profile text, else of XMP
  bool has_all_data = false;  // no image data chunk is cut off
  // What the picture is decoded from, within the file: the data of the header
  // chunk, of the palette (empty where there is none), and of the first row of
  // image data chunks that follow each other.
  std::span<const std::byte> header;
  std::span<const std::byte> palette;
  std::vector<std::span<const std::byte>> data;
};

// Walks the chunks of a file that starts with the PNG signature, without
// inflating the picture. Texts that it must inflate are bounded. Throws
// InputError when the header chunk is missing, and for a wrong checksum before
// the image data: PIL refuses such a file, and looks at no checksum behind.
PngMetadata read_png_metadata(std::span<const std::byte> bytes);

}  // namespace lens::image
