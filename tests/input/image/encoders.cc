#include "tests/input/image/encoders.h"

#include <jpeglib.h>
#include <zlib.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace lens::image::testing {
namespace {

std::string big_endian_32(std::uint32_t value) {
  std::string bytes(4, '\0');
  for (int i = 0; i < 4; ++i) {
    bytes[i] = static_cast<char>(value >> (24 - 8 * i));
  }
  return bytes;
}

std::string chunk(const std::string& type, const std::string& data) {
  const std::string body = type + data;
  const uLong sum = crc32(0, reinterpret_cast<const Bytef*>(body.data()),
                          static_cast<uInt>(body.size()));
  return big_endian_32(static_cast<std::uint32_t>(data.size())) + body +
         big_endian_32(static_cast<std::uint32_t>(sum));
}

std::string deflate(const std::string& data) {
  uLongf size = compressBound(data.size());
  std::string packed(size, '\0');
  compress2(reinterpret_cast<Bytef*>(packed.data()), &size,
            reinterpret_cast<const Bytef*>(data.data()), data.size(), 9);
  packed.resize(size);
  return packed;
}

std::uint8_t level(int x, int y, int channel, const JpegOptions& options) {
  if ((x / 5 + y / 7) % 3 == channel % 3) return (x * 13 + y * 7) % 256;
  return static_cast<std::uint8_t>(255 * x / options.width / (channel + 1) +
                                   y % 16);
}

void add_markers(jpeg_compress_struct& info, const JpegOptions& options) {
  const auto add = [&info](const std::string& data) {
    jpeg_write_marker(&info, JPEG_APP0 + 1,
                      reinterpret_cast<const JOCTET*>(data.data()),
                      static_cast<unsigned>(data.size()));
  };
  if (!options.exif.empty()) add(std::string("Exif\0\0", 6) + options.exif);
  if (!options.xmp.empty()) {
    add(std::string("http://ns.adobe.com/xap/1.0/\0", 29) + options.xmp);
  }
}

}  // namespace

FileBytes to_bytes(std::string_view data) {
  const auto* bytes = reinterpret_cast<const std::byte*>(data.data());
  return {bytes, bytes + data.size()};
}

FileBytes read_file(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) throw std::runtime_error("cannot open " + path);
  return to_bytes(std::string((std::istreambuf_iterator<char>(stream)), {}));
}

FileBytes make_jpeg(const JpegOptions& options) {
  jpeg_compress_struct info;
  jpeg_error_mgr error;
  info.err = jpeg_std_error(&error);
  jpeg_create_compress(&info);
  unsigned char* buffer = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &buffer, &size);
  info.image_width = static_cast<JDIMENSION>(options.width);
  info.image_height = static_cast<JDIMENSION>(options.height);
  info.input_components = options.channels;
  info.in_color_space = options.channels == 1   ? JCS_GRAYSCALE
                        : options.channels == 3 ? JCS_RGB
                                                : JCS_CMYK;
  jpeg_set_defaults(&info);
  if (options.channels == 4) jpeg_set_colorspace(&info, JCS_YCCK);
  if (options.raw_colors) jpeg_set_colorspace(&info, info.in_color_space);
  jpeg_set_quality(&info, options.quality, TRUE);
  if (options.channels > 1) {
    info.comp_info[0].h_samp_factor = options.horizontal;
    info.comp_info[0].v_samp_factor = options.vertical;
    if (options.channels == 4) {  // black is sampled as luminance is
      info.comp_info[3].h_samp_factor = options.horizontal;
      info.comp_info[3].v_samp_factor = options.vertical;
    }
  }
  info.arith_code = options.arithmetic ? TRUE : FALSE;
  info.restart_in_rows = options.restart_rows;
  if (options.progressive) jpeg_simple_progression(&info);
  jpeg_start_compress(&info, TRUE);
  add_markers(info, options);
  std::vector<JSAMPLE> row(
      static_cast<std::size_t>(options.width * options.channels));
  for (int y = 0; y < options.height; ++y) {
    for (int x = 0; x < options.width; ++x) {
      for (int c = 0; c < options.channels; ++c) {
        row[static_cast<std::size_t>(x * options.channels + c)] =
            level(x, y, c, options);
      }
    }
    JSAMPROW pointer = row.data();
    jpeg_write_scanlines(&info, &pointer, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  std::string data(reinterpret_cast<char*>(buffer), size);
  std::free(buffer);
  return to_bytes(data);
}

FileBytes repeat_last_scan(const FileBytes& jpeg, int count) {
  const std::string_view data(reinterpret_cast<const char*>(jpeg.data()),
                              jpeg.size());
  const std::size_t start = data.rfind("\xFF\xDA");
  const std::string_view scan = data.substr(start, data.size() - 2 - start);
  std::string file(data.substr(0, data.size() - 2));
  for (int i = 0; i < count; ++i) file += scan;
  return to_bytes(file + "\xFF\xD9");
}

std::string exif_block(int orientation, bool big_endian) {
  const char value = static_cast<char>(orientation);
  if (big_endian) {
    std::string block("MM\0\x2A\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0", 19);
    return block + value + std::string(6, '\0');
  }
  std::string block("II\x2A\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0", 18);
  return block + value + std::string(7, '\0');
}

FileBytes make_png(const PngOptions& options) {
  std::string rows = options.rows;
  if (rows.empty()) {
    constexpr int kChannels[] = {1, 0, 3, 1, 2, 0, 4};
    const std::size_t bits = static_cast<std::size_t>(
        kChannels[options.color_type] * options.bit_depth);
    rows.assign((1 + (bits * options.width + 7) / 8) * options.height, '\0');
  }
  std::string header =
      big_endian_32(options.width) + big_endian_32(options.height);
  header += static_cast<char>(options.bit_depth);
  header += static_cast<char>(options.color_type);
  header += std::string(3, '\0');
  std::string file("\x89PNG\r\n\x1A\n", 8);
  file += chunk("IHDR", header);
  for (const auto& [type, data] : options.before) file += chunk(type, data);
  file += chunk("IDAT", deflate(rows));
  for (const auto& [type, data] : options.after) file += chunk(type, data);
  return to_bytes(file + chunk("IEND", ""));
}

FileBytes mend_checksums(const FileBytes& png) {
  std::string data(reinterpret_cast<const char*>(png.data()), png.size());
  std::size_t at = 8;
  while (at + 12 <= data.size()) {
    std::size_t length = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      length = length << 8 | static_cast<unsigned char>(data[at + i]);
    }
    if (length > data.size() - at - 12) break;
    const std::string mended =
        chunk(data.substr(at + 4, 4), data.substr(at + 8, length));
    data.replace(at, mended.size(), mended);
    at += mended.size();
  }
  return to_bytes(data);
}

}  // namespace lens::image::testing
