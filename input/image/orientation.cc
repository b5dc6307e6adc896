#include "input/image/orientation.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

namespace lens::image {
namespace {

constexpr int kOrientationTag = 0x0112;

// Reads numbers of the byte order that a TIFF header states.
class TiffReader {
 public:
  TiffReader(std::span<const std::byte> data, bool big_endian)
      : data_(data), big_endian_(big_endian) {}

  std::size_t size() const { return data_.size(); }

  // `bytes` is 1, 2 or 4. Requires offset + bytes <= size().
  std::uint32_t number(std::size_t offset, int bytes) const {
    std::uint32_t value = 0;
    for (int i = 0; i < bytes; ++i) {
      const std::size_t at = offset + (big_endian_ ? i : bytes - 1 - i);
      value = value << 8 | std::to_integer<std::uint32_t>(data_[at]);
    }
    return value;
  }

 private:
  std::span<const std::byte> data_;
  bool big_endian_;
};

std::optional<TiffReader> open_tiff(std::span<const std::byte> block) {
  constexpr std::array<char, 6> kPrefix = {'E', 'x', 'i', 'f', 0, 0};
  // Some writers put the prefix twice; PIL takes off all of them.
  while (block.size() >= kPrefix.size() &&
         std::memcmp(block.data(), kPrefix.data(), kPrefix.size()) == 0) {
    block = block.subspan(kPrefix.size());
  }
  if (block.size() < 8) return std::nullopt;
  const bool big_endian = block[0] == std::byte{'M'};
  if (!big_endian && block[0] != std::byte{'I'}) return std::nullopt;
  if (block[1] != block[0]) return std::nullopt;
  // The 42 may stand in either byte order: some cameras mix them.
  const bool magic = (block[2] == std::byte{0} && block[3] == std::byte{42}) ||
                     (block[2] == std::byte{42} && block[3] == std::byte{0});
  if (!magic) return std::nullopt;
  return TiffReader(block, big_endian);
}

// Bytes of one value of a TIFF field type, 0 for types that are skipped.
std::size_t unit_bytes(std::uint32_t type) {
  constexpr std::array<std::size_t, 14> kBytes = {0, 1, 1, 2, 4, 8, 1,
                                                  1, 2, 4, 8, 4, 8, 4};
  // BigTIFF's LONG8, which PIL knows too.
  if (type == 16) return 8;
  return type < kBytes.size() ? kBytes[type] : 0;
}

// The first value of an integer field, nothing for other types.
std::optional<int> integer(const TiffReader& tiff, std::uint32_t type,
                           std::size_t offset) {
  switch (type) {
    case 3:
      return static_cast<int>(tiff.number(offset, 2));
    case 4:
    case 9:
    case 13:
      return static_cast<int>(tiff.number(offset, 4));
    case 6:
      return static_cast<std::int8_t>(tiff.number(offset, 1));
    case 8:
      return static_cast<std::int16_t>(tiff.number(offset, 2));
    default:
      return std::nullopt;
  }
}

}  // namespace

std::optional<int> exif_orientation(std::span<const std::byte> block) {
  const std::optional<TiffReader> tiff = open_tiff(block);
  if (!tiff) return std::nullopt;
  const std::size_t directory = tiff->number(4, 4);
  if (directory > tiff->size() || tiff->size() - directory < 2) {
    return std::nullopt;
  }
  const std::uint32_t entries = tiff->number(directory, 2);
  std::optional<int> orientation;
  for (std::uint32_t i = 0; i < entries; ++i) {
    const std::size_t entry = directory + 2 + std::size_t{12} * i;
    // A directory that is cut off counts as far as it goes.
    if (entry + 12 > tiff->size()) break;
    const std::uint32_t type = tiff->number(entry + 2, 2);
    const std::uint64_t bytes =
        std::uint64_t{tiff->number(entry + 4, 4)} * unit_bytes(type);
    if (bytes == 0) continue;
    std::size_t offset = entry + 8;
    // Up to four bytes stand in the entry itself, more where it points to.
    if (bytes > 4) {
      offset = tiff->number(entry + 8, 4);
      // A field that points outside ends the directory, as it does for PIL:
      // what was read before it counts.
      if (offset > tiff->size() || tiff->size() - offset < bytes) break;
    }
    if (tiff->number(entry, 2) == kOrientationTag) {
      // A later field of the same tag replaces an earlier one.
      orientation = integer(*tiff, type, offset).value_or(1);
    }
  }
  return orientation;
}

std::optional<int> xmp_orientation(std::string_view packet) {
  constexpr std::string_view kName = "tiff:Orientation";
  for (std::size_t at = packet.find(kName); at != std::string_view::npos;
       at = packet.find(kName, at + 1)) {
    std::string_view rest = packet.substr(at + kName.size());
    if (rest.starts_with("=\"")) {
      rest.remove_prefix(2);
    } else if (rest.starts_with(">")) {
      rest.remove_prefix(1);
    } else {
      continue;
    }
    if (!rest.empty() && rest[0] >= '0' && rest[0] <= '9') return rest[0] - '0';
  }
  return std::nullopt;
}

RgbImage apply_orientation(RgbImage image, int orientation) {
  if (orientation < 2 || orientation > 8) return image;
  // 1 is upright, 2 to 4 are mirrored or upside down, 5 to 8 lie on a side.
  const bool swap_axes = orientation >= 5;
  // Mirrored along the source's columns (x) and rows (y).
  const bool flip_x = orientation == 2 || orientation == 3 ||
                      orientation == 7 || orientation == 8;
  const bool flip_y = orientation == 3 || orientation == 4 ||
                      orientation == 6 || orientation == 7;
  const std::ptrdiff_t row = std::ptrdiff_t{3} * image.width;
  const std::ptrdiff_t step_x = flip_x ? -3 : 3;
  const std::ptrdiff_t step_y = flip_y ? -row : row;
  const std::uint8_t* origin = image.pixels.data();
  // Walked backwards, a row begins at its last pixel.
  if (flip_x) origin += row - 3;
  if (flip_y) origin += row * (image.height - 1);

  RgbImage upright;
  upright.height = swap_axes ? image.width : image.height;
  upright.width = swap_axes ? image.height : image.width;
  upright.pixels.resize(image.pixels.size());
  const std::ptrdiff_t along_row = swap_axes ? step_y : step_x;
  const std::ptrdiff_t along_column = swap_axes ? step_x : step_y;
  // Tiles, because one of the two images is walked down its columns.
  constexpr int kTile = 32;
  for (int top = 0; top < upright.height; top += kTile) {
    const int bottom = std::min(top + kTile, upright.height);
    for (int left = 0; left < upright.width; left += kTile) {
      const int right = std::min(left + kTile, upright.width);
      for (int y = top; y < bottom; ++y) {
        const std::uint8_t* from = origin + y * along_column + left * along_row;
        std::uint8_t* to = upright.pixels.data() +
                           (std::size_t{3} * upright.width * y + 3 * left);
        for (int x = left; x < right; ++x, from += along_row, to += 3) {
          to[0] = from[0];
          to[1] = from[1];
          to[2] = from[2];
        }
      }
    }
  }
  return upright;
}

}  // namespace lens::image
