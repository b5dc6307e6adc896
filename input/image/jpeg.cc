#include "input/image/jpeg.h"

#include <algorithm>
#include <csetjmp>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// After cstdio, which jpeglib.h needs and does not include.
#include <jpeglib.h>

#include "base/error.h"
#include "input/image/orientation.h"

namespace lens::image {
namespace {

// A progressive file may hold any number of scans, each of which visits every
// block of the picture in a few bytes of file. Encoders write about 10,
// optimisers up to 60. The second bound keeps the largest pictures to 20 scans
// and so to about 2 s.
constexpr int kMaxScans = 100;
constexpr std::int64_t kMaxPixelVisits = std::int64_t{1} << 30;

struct ErrorManager {
  jpeg_error_mgr base;  // first: libjpeg hands back a pointer to it
  std::jmp_buf jump;
  char message[JMSG_LENGTH_MAX];
};

[[noreturn]] void leave(j_common_ptr info, const char* message) {
  auto* error = reinterpret_cast<ErrorManager*>(info->err);
  if (message != nullptr) {
    std::snprintf(error->message, sizeof(error->message), "%s", message);
  } else {
    error->base.format_message(info, error->message);
  }
  std::longjmp(error->jump, 1);
}

void on_error(j_common_ptr info) { leave(info, nullptr); }

// Warnings are damage that libjpeg and PIL decode over: a few wrong blocks.
void on_message(j_common_ptr) {}

void check_scans(j_common_ptr common) {
  auto* info = reinterpret_cast<j_decompress_ptr>(common);
  const std::int64_t pixels =
      std::int64_t{info->image_height} * info->image_width;
  if (info->input_scan_number > kMaxScans ||
      info->input_scan_number * pixels > kMaxPixelVisits) {
    leave(common, "too many progressive scans");
  }
}

void do_nothing(j_decompress_ptr) {}

boolean refuse_more_input(j_decompress_ptr info) {
  leave(reinterpret_cast<j_common_ptr>(info), "the data ends early");
}

void skip_input(j_decompress_ptr info, long count) {
  if (count <= 0) return;
  if (static_cast<unsigned long>(count) > info->src->bytes_in_buffer) {
    leave(reinterpret_cast<j_common_ptr>(info), "the data ends early");
  }
  info->src->next_input_byte += count;
  info->src->bytes_in_buffer -= static_cast<std::size_t>(count);
}

// Owns a libjpeg decompressor that reads from memory.
class Decompressor {
 public:
  explicit Decompressor(std::span<const std::byte> bytes) {
    info_.err = jpeg_std_error(&error_.base);
    error_.base.error_exit = on_error;
    error_.base.output_message = on_message;
    progress_.progress_monitor = check_scans;
    source_.next_input_byte = reinterpret_cast<const JOCTET*>(bytes.data());
    source_.bytes_in_buffer = bytes.size();
    source_.init_source = do_nothing;
    source_.fill_input_buffer = refuse_more_input;
    source_.skip_input_data = skip_input;
    source_.resync_to_restart = jpeg_resync_to_restart;
    source_.term_source = do_nothing;
    guarded([this] {
      jpeg_create_decompress(&info_);
      info_.src = &source_;
      info_.progress = &progress_;
      // EXIF and XMP, which tell how the picture is to be turned. No other
      // marker is kept: a colour profile changes no pixel here.
      jpeg_save_markers(&info_, JPEG_APP0 + 1, 0xFFFF);
    });
  }
  ~Decompressor() { jpeg_destroy_decompress(&info_); }
  Decompressor(const Decompressor&) = delete;
  Decompressor& operator=(const Decompressor&) = delete;

  jpeg_decompress_struct* info() { return &info_; }

  // Runs libjpeg calls and throws what they report. libjpeg leaves them by
  // longjmp to this frame, so `call` may own nothing that has a destructor.
  template <typename Call>
  void guarded(const Call& call) {
    if (setjmp(error_.jump) != 0) {
      throw InputError("cannot decode JPEG image", error_.message);
    }
    call();
  }

 private:
  jpeg_decompress_struct info_ = {};
  ErrorManager error_ = {};
  jpeg_progress_mgr progress_ = {};
  jpeg_source_mgr source_ = {};
};

int orientation_of(const jpeg_decompress_struct& info) {
  constexpr std::string_view kExif("Exif\0\0", 6);
  constexpr std::string_view kXmp("http://ns.adobe.com/xap/1.0/\0", 29);
  std::string exif;
  std::string_view xmp;
  for (const jpeg_marker_struct* marker = info.marker_list; marker != nullptr;
       marker = marker->next) {
    if (marker->marker != JPEG_APP0 + 1) continue;
    const std::string_view data(reinterpret_cast<const char*>(marker->data),
                                marker->data_length);
    // EXIF over 64 KB is spread over several segments.
    if (data.starts_with(kExif)) {
      exif.append(data.substr(kExif.size()));
    } else if (data.starts_with(kXmp)) {
      xmp = data.substr(kXmp.size());
    }
  }
  // EXIF goes before XMP, as in PIL's exif_transpose.
  const std::optional<int> from_exif =
      exif_orientation(std::as_bytes(std::span(exif)));
  return from_exif.value_or(xmp_orientation(xmp).value_or(1));
}

std::uint8_t multiply_255(int a, int b) {
  // a * b / 255, rounded, without a division: PIL's MULDIV255.
  const int product = a * b + 128;
  return static_cast<std::uint8_t>(((product >> 8) + product) >> 8);
}

// Four-channel JPEG files hold inverted ink: 255 is none. So the stored values
// are what is left of red, green and blue light, and of all light (black).
void rgb_from_inverted_cmyk(const std::uint8_t* ink, int width,
                            std::uint8_t* rgb) {
  for (int x = 0; x < width; ++x, ink += 4, rgb += 3) {
    const int light = ink[3];
    for (int c = 0; c < 3; ++c) {
      const int dark = multiply_255(255 - ink[c], light);
      rgb[c] = static_cast<std::uint8_t>(std::max(0, light - dark));
    }
  }
}

void read_header(Decompressor& decompressor, const DecodeLimits& limits) {
  jpeg_decompress_struct* info = decompressor.info();
  decompressor.guarded([info] {
    // Tables may come as an image of their own before the picture.
    while (jpeg_read_header(info, FALSE) != JPEG_HEADER_OK) {
    }
  });
  check_sides("JPEG", info->image_height, info->image_width, limits);
  // Grey is asked for as RGB below: libjpeg repeats it.
  if (info->num_components != 1 && info->num_components != 3 &&
      info->num_components != 4) {
    throw InputError("cannot decode JPEG image",
                     std::to_string(info->num_components) +
                         " channels; 1, 3 and 4 are known");
  }
}

}  // namespace

StoredImage decode_jpeg(std::span<const std::byte> bytes,
                        const DecodeLimits& limits) {
  Decompressor decompressor(bytes);
  read_header(decompressor, limits);
  jpeg_decompress_struct* info = decompressor.info();

  StoredImage image;
  image.orientation = orientation_of(*info);
  image.pixels.height = static_cast<int>(info->image_height);
  image.pixels.width = static_cast<int>(info->image_width);
  const std::size_t stride = std::size_t{3} * info->image_width;
  image.pixels.pixels.resize(stride * info->image_height);

  const bool is_cmyk = info->num_components == 4;
  info->out_color_space = is_cmyk ? JCS_CMYK : JCS_RGB;
  // libjpeg's defaults, on which equality with PIL rests.
  info->dct_method = JDCT_ISLOW;
  info->do_fancy_upsampling = TRUE;
  std::vector<std::uint8_t> ink(is_cmyk ? std::size_t{4} * info->image_width
                                        : 0);
  std::uint8_t* const pixels = image.pixels.pixels.data();
  std::uint8_t* const ink_row = ink.data();
  // By value, and nothing but numbers and pointers: see guarded().
  decompressor.guarded([=] {
    jpeg_start_decompress(info);
    while (info->output_scanline < info->output_height) {
      std::uint8_t* const out = pixels + stride * info->output_scanline;
      JSAMPROW row = is_cmyk ? ink_row : out;
      if (jpeg_read_scanlines(info, &row, 1) == 1 && is_cmyk) {
        rgb_from_inverted_cmyk(ink_row, static_cast<int>(info->image_width),
                               out);
      }
    }
  });
  // No jpeg_finish_decompress: all rows are here, and PIL too lets what
  // follows them be missing.
  return image;
}

}  // namespace lens::image
