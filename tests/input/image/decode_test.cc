#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/error.h"
#include "input/image/image.h"
#include "tests/input/image/encoders.h"

namespace lens::image {
namespace {

using ::testing::ElementsAre;
using testing::exif_block;
using testing::FileBytes;
using ::testing::HasSubstr;
using testing::JpegOptions;
using testing::make_jpeg;
using testing::make_png;
using testing::PngOptions;
using testing::repeat_last_scan;
using testing::to_bytes;

std::string reason(const FileBytes& file, const DecodeLimits& limits = {}) {
  try {
    decode_image(file, limits);
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

FileBytes cut(FileBytes file, std::size_t size) {
  file.resize(size);
  return file;
}

// One row of pixels, each sample one byte of `row`.
PngOptions one_row(std::uint32_t width, int bit_depth, int color_type,
                   const std::string& row) {
  PngOptions options;
  options.width = width;
  options.height = 1;
  options.bit_depth = bit_depth;
  options.color_type = color_type;
  options.rows = std::string(1, '\0') + row;
  return options;
}

TEST(Decode, PngRgbIsKept) {
  const RgbImage image =
      decode_image(make_png(one_row(2, 8, 2, "\x01\x02\x03\xFD\xFE\xFF")));
  EXPECT_EQ(image.height, 1);
  EXPECT_EQ(image.width, 2);
  EXPECT_THAT(image.pixels, ElementsAre(1, 2, 3, 253, 254, 255));
}

TEST(Decode, PngTransparencyIsDroppedNotBlended) {
  const RgbImage image = decode_image(
      make_png(one_row(1, 8, 6, std::string("\x0A\x14\x1E\0", 4))));
  EXPECT_THAT(image.pixels, ElementsAre(10, 20, 30));
}

TEST(Decode, PngPaletteWithTransparencyGivesItsColours) {
  PngOptions options = one_row(2, 8, 3, std::string("\x01\0", 2));
  options.before = {{"PLTE", "\x01\x02\x03\x04\x05\x06"},
                    {"tRNS", std::string("\x80\0", 2)}};
  EXPECT_THAT(decode_image(make_png(options)).pixels,
              ElementsAre(4, 5, 6, 1, 2, 3));
}

TEST(Decode, PngDeepGreyIsClippedAndDeepColourTruncated) {
  EXPECT_THAT(
      decode_image(make_png(one_row(2, 16, 0, std::string("\0\x80\x01\0", 4))))
          .pixels,
      ElementsAre(128, 128, 128, 255, 255, 255));
  EXPECT_THAT(
      decode_image(make_png(one_row(1, 16, 2, "\x01\xFF\x02\xFF\x03\xFF")))
          .pixels,
      ElementsAre(1, 2, 3));
}

TEST(Decode, PngGreyOfFewBitsIsSpreadToTheFullRange) {
  EXPECT_THAT(decode_image(make_png(one_row(2, 4, 0, "\x1F"))).pixels,
              ElementsAre(17, 17, 17, 255, 255, 255));
}

TEST(Decode, OrientationTurnsThePictureUpright) {
  // Two pixels side by side, stored so that the camera's top is to the right:
  // upright, the first is below or above the second.
  PngOptions options = one_row(2, 8, 2, "\x01\x01\x01\x02\x02\x02");
  options.before = {{"eXIf", exif_block(6, true)}};
  RgbImage image = decode_image(make_png(options));
  EXPECT_EQ(image.height, 2);
  EXPECT_EQ(image.width, 1);
  EXPECT_THAT(image.pixels, ElementsAre(1, 1, 1, 2, 2, 2));
  options.before = {{"eXIf", exif_block(8, false)}};
  image = decode_image(make_png(options));
  EXPECT_THAT(image.pixels, ElementsAre(2, 2, 2, 1, 1, 1));
}

TEST(Decode, JpegOrientationSwapsTheSides) {
  JpegOptions options;
  options.exif = exif_block(5, false);
  const RgbImage image = decode_image(make_jpeg(options));
  EXPECT_EQ(image.height, options.width);
  EXPECT_EQ(image.width, options.height);
}

TEST(Decode, DamagedExifLeavesThePictureAsItIs) {
  JpegOptions options;
  for (const std::string& block :
       {std::string("nonsense"), exif_block(6, true).substr(0, 15),
        std::string("II\x2A\0\xFF\xFF\xFF\xFF", 8)}) {
    options.exif = block;
    EXPECT_EQ(decode_image(make_jpeg(options)).width, options.width);
  }
}

TEST(Decode, FourChannelJpegIsTakenAsInvertedInk) {
  JpegOptions options;
  options.channels = 4;
  options.raw_colors = true;
  const RgbImage image = decode_image(make_jpeg(options));
  EXPECT_EQ(image.pixels.size(), 3u * 37 * 29);
}

TEST(Decode, MissingEndOfPngIsAccepted) {
  const FileBytes file = make_png({});
  EXPECT_EQ(reason(cut(file, file.size() - 12)), "");
}

TEST(Decode, DataThatEndsEarlyIsRefused) {
  const FileBytes png = make_png({.width = 64, .height = 64});
  const FileBytes jpeg = make_jpeg({});
  JpegOptions progressive;
  progressive.progressive = true;
  for (const FileBytes& file : {png, jpeg, make_jpeg(progressive)}) {
    for (std::size_t size = 1; size + 20 < file.size(); size += 7) {
      EXPECT_NE(reason(cut(file, size)), "") << size << " of " << file.size();
    }
  }
  EXPECT_THAT(reason(cut(jpeg, jpeg.size() / 2)), HasSubstr("ends early"));
  EXPECT_THAT(reason(cut(png, png.size() / 2)), HasSubstr("ends early"));
}

// The position of the first chunk of a type: of its length.
std::size_t chunk_at(const FileBytes& file, std::string_view type) {
  const std::string_view data(reinterpret_cast<const char*>(file.data()),
                              file.size());
  return data.find(type) - 4;
}

// Checked against PIL by pixels_oracle.py.
TEST(Decode, ChecksumsBehindTheHeaderChunksOfAPngAreNotLookedAt) {
  PngOptions options = one_row(2, 8, 2, "\x01\x02\x03\xFD\xFE\xFF");
  options.before = {{"tEXt", std::string("a\0b", 3)}};
  options.after = {{"tEXt", std::string("a\0b", 3)}};
  const FileBytes good = make_png(options);
  const std::size_t data = chunk_at(good, "IDAT");
  const std::size_t end = chunk_at(good, "IEND");
  for (const std::size_t sum : {end - 15 - 4, end - 4, good.size() - 4}) {
    FileBytes file = good;
    file[sum] ^= std::byte{0xFF};
    EXPECT_THAT(decode_image(file).pixels, ElementsAre(1, 2, 3, 253, 254, 255));
  }
  for (const std::size_t sum : {data - 4, data - 15 - 4}) {
    FileBytes file = good;
    file[sum] ^= std::byte{0xFF};
    EXPECT_THAT(reason(file), HasSubstr("wrong checksum of its "));
  }
}

TEST(Decode, PngWithoutTheSumOfItsPictureIsWholeWithAWrongOneIsNot) {
  const FileBytes good = make_png(one_row(1, 8, 2, "\x01\x02\x03"));
  const std::size_t data = chunk_at(good, "IDAT");
  const std::size_t end = chunk_at(good, "IEND");
  FileBytes file = good;
  file.erase(file.begin() + static_cast<std::ptrdiff_t>(end) - 8,
             file.begin() + static_cast<std::ptrdiff_t>(end) - 4);
  file[data + 3] =
      static_cast<std::byte>(std::to_integer<int>(file[data + 3]) - 4);
  EXPECT_THAT(decode_image(file).pixels, ElementsAre(1, 2, 3));
  file = good;
  file[end - 5] ^= std::byte{1};
  EXPECT_THAT(reason(file), HasSubstr("cannot decode PNG"));
}

TEST(Decode, UnknownChunksOfAPngChangeNothing) {
  PngOptions options = one_row(1, 8, 2, "\x01\x02\x03");
  options.before = {{"ABCD", "critical"}};
  options.after = {{"EFGH", "critical"}};
  EXPECT_THAT(decode_image(make_png(options)).pixels, ElementsAre(1, 2, 3));
}

TEST(Decode, ChangedPngDataIsRefused) {
  FileBytes file = make_png({.width = 64, .height = 64});
  file[file.size() - 20] ^= std::byte{1};
  EXPECT_THAT(reason(file), HasSubstr("cannot decode PNG"));
}

TEST(Decode, HugePngHeaderIsRefusedBeforeAnythingIsAllocated) {
  PngOptions options;
  options.rows = std::string(8, '\0');
  options.width = 20000;
  options.height = 20000;
  EXPECT_THAT(reason(make_png(options)), HasSubstr("20000 x 20000"));
  options.width = 0xFFFFFFFF;
  options.height = 0xFFFFFFFF;
  EXPECT_THAT(reason(make_png(options)), HasSubstr("limit"));
  options.width = 0;
  EXPECT_THAT(reason(make_png(options)), HasSubstr("no pixels"));
}

TEST(Decode, LimitsAreKept) {
  DecodeLimits limits;
  limits.max_pixels = 37 * 29 - 1;
  EXPECT_THAT(reason(make_jpeg({}), limits), HasSubstr("37 x 29"));
  limits = {};
  limits.max_bytes = 100;
  EXPECT_THAT(reason(make_jpeg({}), limits), HasSubstr("100 bytes"));
  limits = {};
  limits.max_aspect = 10;
  JpegOptions narrow;
  narrow.height = 3;
  EXPECT_THAT(reason(make_jpeg(narrow), limits), HasSubstr("10 times"));
  EXPECT_EQ(reason(make_jpeg(narrow)), "");
}

TEST(Decode, ManyScansAreRefused) {
  JpegOptions options;
  options.progressive = true;
  const FileBytes file = make_jpeg(options);
  EXPECT_EQ(reason(repeat_last_scan(file, 20)), "");
  EXPECT_THAT(reason(repeat_last_scan(file, 200)), HasSubstr("scans"));
}

TEST(Decode, UnknownFormatsAreNamed) {
  EXPECT_THAT(reason({}), HasSubstr("empty"));
  EXPECT_THAT(reason(to_bytes("GIF89a......")), HasSubstr("GIF"));
  EXPECT_THAT(reason(to_bytes("RIFF....WEBPVP8 ")), HasSubstr("WebP"));
  EXPECT_THAT(reason(to_bytes("BM..........")), HasSubstr("BMP"));
  EXPECT_THAT(reason(to_bytes(std::string("II*\0........", 12))),
              HasSubstr("TIFF"));
  EXPECT_THAT(reason(to_bytes("....ftypavif....")), HasSubstr("AVIF"));
  EXPECT_THAT(reason(to_bytes("<html>")), HasSubstr("unknown format"));
}

TEST(Decode, MessagesAreOneLine) {
  for (const std::string& why : {reason(to_bytes("GIF89a......")), reason({}),
                                 reason(cut(make_jpeg({}), 300))}) {
    EXPECT_NE(why, "");
    EXPECT_EQ(why.find('\n'), std::string::npos) << why;
  }
}

}  // namespace
}  // namespace lens::image
