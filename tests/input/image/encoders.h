#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Small files of every kind for the tests, so that none must be stored.
namespace lens::image::testing {

using FileBytes = std::vector<std::byte>;

FileBytes to_bytes(std::string_view data);
FileBytes read_file(const std::string& path);

struct JpegOptions {
  int width = 37;
  int height = 29;
  // 1 grey, 3 YCbCr, 4 YCCK; `raw_colors` stores RGB or CMYK unconverted.
  int channels = 3;
  bool raw_colors = false;
  int horizontal = 1;  // sampling factors of the first channel
  int vertical = 1;
  bool progressive = false;
  bool arithmetic = false;
  int restart_rows = 0;
  std::string exif = {};  // TIFF block for APP1, without "Exif\0\0"
  std::string xmp = {};
  int quality = 90;
};

// A picture of smooth gradients and hard edges that depends on the sides.
FileBytes make_jpeg(const JpegOptions& options);

// The file with its last scan written `count` times more, as an attacker does
// to keep a decoder busy.
FileBytes repeat_last_scan(const FileBytes& jpeg, int count);

// A TIFF block with the Orientation tag alone.
std::string exif_block(int orientation, bool big_endian);

struct PngOptions {
  std::uint32_t width = 7;
  std::uint32_t height = 5;
  int bit_depth = 8;
  int color_type = 2;  // 0 grey, 2 RGB, 3 palette, 4 grey+alpha, 6 RGBA
  // Type and data of chunks before and after the picture.
  std::vector<std::pair<std::string, std::string>> before = {};
  std::vector<std::pair<std::string, std::string>> after = {};
  // Filtered rows, each with its filter byte; as many zeros as the header
  // promises when empty.
  std::string rows = {};
};

FileBytes make_png(const PngOptions& options);

// The file with the checksum of every whole chunk made right, so that changes
// to a chunk reach the code behind the check.
FileBytes mend_checksums(const FileBytes& png);

}  // namespace lens::image::testing
