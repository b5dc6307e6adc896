#include "input/image/png_rows.h"

#include <zlib.h>

#include <array>

namespace lens::image {
namespace {

// First column and row of each pass of an interlaced picture, and the steps.
struct Pass {
  int left, top, right, down;
};
constexpr std::array<Pass, 7> kPasses = {{{0, 0, 8, 8},
                                          {4, 0, 8, 8},
                                          {0, 4, 4, 8},
                                          {2, 0, 4, 4},
                                          {0, 2, 2, 4},
                                          {1, 0, 2, 2},
                                          {0, 1, 1, 2}}};

std::size_t pass_bytes(std::int64_t width, std::int64_t height, int bits) {
  if (width <= 0 || height <= 0) return 0;
  // A byte for the filter, then the row in whole bytes.
  return static_cast<std::size_t>(height * (1 + (width * bits + 7) / 8));
}

// Of all filtered rows.
std::size_t rows_bytes(const PngMetadata& png) {
  // By colour type: grey, RGB, palette, grey and alpha, RGBA; 1 and 5 do not
  // exist.
  constexpr std::array kChannels = {1, 0, 3, 1, 2, 0, 4};
  if (png.color_type < 0 || png.color_type > 6) return 0;
  const int bits =
      kChannels[static_cast<std::size_t>(png.color_type)] * png.bit_depth;
  if (!png.interlaced) return pass_bytes(png.width, png.height, bits);
  std::size_t bytes = 0;
  for (const Pass& pass : kPasses) {
    bytes +=
        pass_bytes((png.width - pass.left + pass.right - 1) / pass.right,
                   (png.height - pass.top + pass.down - 1) / pass.down, bits);
  }
  return bytes;
}

// Inflates chunk by chunk until `rows` is full; false where it never is.
bool inflate_rows(const PngMetadata& png, std::vector<std::byte>& rows) {
  z_stream stream = {};
  if (inflateInit(&stream) != Z_OK) return false;
  stream.next_out = reinterpret_cast<Bytef*>(rows.data());
  stream.avail_out = static_cast<uInt>(rows.size());
  int state = Z_OK;
  for (const auto& data : png.data) {
    stream.next_in =
        reinterpret_cast<Bytef*>(const_cast<std::byte*>(data.data()));
    stream.avail_in = static_cast<uInt>(data.size());
    if (data.empty()) continue;
    state = inflate(&stream, Z_NO_FLUSH);
    if (stream.avail_out == 0 || state != Z_OK) break;
  }
  inflateEnd(&stream);
  return stream.avail_out == 0 && state != Z_DATA_ERROR;
}

}  // namespace

std::vector<std::byte> mended_rows(const PngMetadata& png) {
  std::vector<std::byte> rows(rows_bytes(png));
  if (rows.empty() || !inflate_rows(png, rows)) return {};
  uLongf size = compressBound(static_cast<uLong>(rows.size()));
  std::vector<std::byte> stream(size);
  // A stream that is only wrapped: the decoder unpacks it at once.
  constexpr int kStored = 0;
  if (compress2(reinterpret_cast<Bytef*>(stream.data()), &size,
                reinterpret_cast<const Bytef*>(rows.data()),
                static_cast<uLong>(rows.size()), kStored) != Z_OK) {
    return {};
  }
  stream.resize(size);
  return stream;
}

}  // namespace lens::image
