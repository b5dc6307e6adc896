#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "input/image/image.h"
#include "input/image/jpeg.h"
#include "input/image/limits.h"
#include "input/image/orientation.h"
#include "input/image/png.h"

namespace lens::image {
namespace {

constexpr std::string_view kJpegStart = "\xFF\xD8\xFF";
constexpr std::string_view kPngStart("\x89PNG\r\n\x1A\n", 8);

// The name of a format that is known but not decoded, or "".
std::string_view name_of(std::string_view data) {
  struct Magic {
    std::size_t offset;
    std::string_view bytes;
    std::string_view name;
  };
  constexpr std::array<Magic, 17> kMagics = {{
      {0, "GIF8", "GIF"},
      {8, "WEBP", "WebP"},
      {4, "ftypavif", "AVIF"},
      {4, "ftypavis", "AVIF"},
      {4, "ftyphei", "HEIC"},
      {4, "ftyphev", "HEIC"},
      {4, "ftypmif1", "HEIC"},
      {4, "ftypmsf1", "HEIC"},
      {0, {"II*\0", 4}, "TIFF"},
      {0, {"MM\0*", 4}, "TIFF"},
      {4, "jP  ", "JPEG 2000"},
      {0, "\xFF\x4F\xFF\x51", "JPEG 2000"},
      {4, "JXL ", "JPEG XL"},
      {0, "\xFF\x0A", "JPEG XL"},
      {0, "%PDF", "PDF"},
      {0, "<svg", "SVG"},
      {0, "BM", "BMP"},
  }};
  for (const Magic& magic : kMagics) {
    if (data.size() >= magic.offset &&
        data.substr(magic.offset).starts_with(magic.bytes)) {
      return magic.name;
    }
  }
  return "";
}

StoredImage decode_stored(std::span<const std::byte> bytes,
                          const DecodeLimits& limits) {
  const std::string_view data(reinterpret_cast<const char*>(bytes.data()),
                              bytes.size());
  if (data.starts_with(kJpegStart)) return decode_jpeg(bytes, limits);
  if (data.starts_with(kPngStart)) return decode_png(bytes, limits);
  const std::string_view name = name_of(data);
  throw InputError("cannot decode image",
                   name.empty()
                       ? "it is of an unknown format"
                       : std::string(name) + " files are not supported",
                   "convert it to PNG or JPEG");
}

}  // namespace

void check_sides(std::string_view format, std::int64_t height,
                 std::int64_t width, const DecodeLimits& limits) {
  const std::string problem = "cannot decode " + std::string(format) +
                              " image of " + std::to_string(width) + " x " +
                              std::to_string(height) + " pixels";
  if (height <= 0 || width <= 0) throw InputError(problem, "it has no pixels");
  // Sides come from 32-bit fields, so the product cannot overflow.
  if (height > INT32_MAX || width > INT32_MAX ||
      height * width > limits.max_pixels) {
    throw InputError(
        problem,
        "the limit is " + std::to_string(limits.max_pixels) + " pixels",
        "make it smaller");
  }
  const std::int64_t longer = std::max(height, width);
  const std::int64_t shorter = std::min(height, width);
  if (limits.max_aspect > 0 &&
      static_cast<double>(longer) / static_cast<double>(shorter) >
          limits.max_aspect) {
    throw InputError(problem,
                     "one side is over " + std::to_string(limits.max_aspect) +
                         " times the other",
                     "crop or pad it");
  }
}

RgbImage decode_image(std::span<const std::byte> bytes,
                      const DecodeLimits& limits) {
  if (bytes.empty()) {
    throw InputError("cannot decode image", "the file is empty");
  }
  if (bytes.size() > static_cast<std::uint64_t>(limits.max_bytes)) {
    throw InputError(
        "cannot decode image of " + std::to_string(bytes.size()) + " bytes",
        "the limit is " + std::to_string(limits.max_bytes) + " bytes",
        "make it smaller");
  }
  // Turned last: libraries decode what is stored, and the sides in their errors
  // are those of the file.
  StoredImage image = decode_stored(bytes, limits);
  return apply_orientation(std::move(image.pixels), image.orientation);
}

}  // namespace lens::image
