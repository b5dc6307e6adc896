#include "analysis/report/thumbnail.h"

#include <algorithm>
#include <cmath>
#include <csetjmp>
#include <cstdio>
#include <cstdlib>

// After cstdio, which jpeglib.h needs and does not include.
#include <jpeglib.h>

#include "analysis/report/base64.h"
#include "base/error.h"

namespace lens::analysis::report {
namespace {

constexpr double kArea = 240.0 * 240.0;
constexpr double kLongestSide = 480.0;
constexpr std::size_t kThumbnailBytes = 10'000;

struct ErrorManager {
  jpeg_error_mgr base;  // first: libjpeg hands back a pointer to it
  std::jmp_buf jump;
  char message[JMSG_LENGTH_MAX];
};

void on_error(j_common_ptr info) {
  auto* error = reinterpret_cast<ErrorManager*>(info->err);
  error->base.format_message(info, error->message);
  std::longjmp(error->jump, 1);
}

// Owns a libjpeg compressor that writes to memory of its own.
class Compressor {
 public:
  Compressor() {
    info_.err = jpeg_std_error(&error_.base);
    error_.base.error_exit = on_error;
    guarded([this] {
      jpeg_create_compress(&info_);
      jpeg_mem_dest(&info_, &buffer_, &size_);
    });
  }
  ~Compressor() {
    jpeg_destroy_compress(&info_);
    std::free(buffer_);
  }
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;

  void write(const image::RgbImage& picture, int quality) {
    const std::size_t stride = std::size_t{3} * picture.width;
    // libjpeg takes rows that it does not change as if it might.
    auto* pixels = const_cast<std::uint8_t*>(picture.pixels.data());
    info_.image_width = static_cast<JDIMENSION>(picture.width);
    info_.image_height = static_cast<JDIMENSION>(picture.height);
    info_.input_components = 3;
    info_.in_color_space = JCS_RGB;
    guarded([=, this] {
      jpeg_set_defaults(&info_);
      jpeg_set_quality(&info_, quality, TRUE);
      info_.optimize_coding = TRUE;
      jpeg_start_compress(&info_, TRUE);
      while (info_.next_scanline < info_.image_height) {
        JSAMPROW row = pixels + stride * info_.next_scanline;
        jpeg_write_scanlines(&info_, &row, 1);
      }
      jpeg_finish_compress(&info_);
    });
  }

  std::span<const std::byte> bytes() const {
    return {reinterpret_cast<const std::byte*>(buffer_), size_};
  }

 private:
  // libjpeg leaves a failed call by longjmp to this frame, so `call` may own
  // nothing that has a destructor.
  template <typename Call>
  void guarded(const Call& call) {
    if (setjmp(error_.jump) != 0)
      throw InputError("cannot encode a thumbnail", error_.message);
    call();
  }

  jpeg_compress_struct info_ = {};
  ErrorManager error_ = {};
  unsigned char* buffer_ = nullptr;
  unsigned long size_ = 0;
};

int scaled(int side, double factor) {
  return std::max(1, static_cast<int>(std::lround(side * factor)));
}

}  // namespace

image::RgbImage shrink(const image::RgbImage& picture) {
  const double area = static_cast<double>(picture.width) * picture.height;
  const double factor =
      std::min({1.0, std::sqrt(kArea / area),
                kLongestSide / std::max(picture.width, picture.height)});
  if (factor == 1.0) return picture;
  return image::resize_bicubic(picture, scaled(picture.height, factor),
                               scaled(picture.width, factor));
}

std::vector<std::byte> encode_jpeg(const image::RgbImage& picture,
                                   int quality) {
  Compressor compressor;
  compressor.write(picture, quality);
  const auto bytes = compressor.bytes();
  return {bytes.begin(), bytes.end()};
}

Thumbnail make_thumbnail(std::span<const std::byte> encoded) {
  Thumbnail thumbnail;
  try {
    const image::RgbImage picture = image::decode_image(encoded);
    const image::RgbImage small = shrink(picture);
    std::vector<std::byte> jpeg;
    for (const int quality : {85, 75, 60, 45}) {
      jpeg = encode_jpeg(small, quality);
      if (jpeg.size() <= kThumbnailBytes) break;
    }
    thumbnail.uri =
        "data:image/jpeg;base64," + base64(std::span<const std::byte>(jpeg));
    thumbnail.width = small.width;
    thumbnail.height = small.height;
    thumbnail.source_width = picture.width;
    thumbnail.source_height = picture.height;
  } catch (const InputError& error) {
    thumbnail.reason = error.what();
  }
  return thumbnail;
}

}  // namespace lens::analysis::report
