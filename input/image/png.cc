#include "input/image/png.h"

#include <png.h>

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <deque>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "input/image/png_metadata.h"
#include "input/image/png_rows.h"

namespace lens::image {
namespace {

// Chunks are read whole, except for the picture's.
constexpr png_alloc_size_t kMaxChunkBytes = 8 << 20;

// The file as libpng gets to see it: the header, the palette and the picture,
// in chunks written anew. Other chunks change no pixel here and are the usual
// way to attack a decoder; checksums are looked at where PIL does
// (read_png_metadata), and a missing end is none.
class Pieces {
 public:
  explicit Pieces(const PngMetadata& metadata) {
    add(std::as_bytes(std::span(kSignature)));
    add_chunk("IHDR", metadata.header);
    if (!metadata.palette.empty()) add_chunk("PLTE", metadata.palette);
    for (const auto& data : metadata.data) add_chunk("IDAT", data);
    add_chunk("IEND", {});
  }

  // Takes the next bytes out; false where there are not so many.
  bool take(std::byte* to, std::size_t count) {
    while (count > 0) {
      if (pieces_.empty()) return false;
      std::span<const std::byte>& front = pieces_.front();
      const std::size_t step = std::min(count, front.size());
      if (step > 0) std::memcpy(to, front.data(), step);
      to += step;
      count -= step;
      front = front.subspan(step);
      if (front.empty()) pieces_.pop_front();
    }
    return true;
  }

 private:
  static constexpr std::array<unsigned char, 8> kSignature = {
      0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};

  void add(std::span<const std::byte> bytes) { pieces_.push_back(bytes); }

  // The bytes of a number live in numbers_, whose elements do not move.
  void add_number(std::uint32_t number) {
    auto& bytes = numbers_.emplace_back();
    for (int i = 0; i < 4; ++i) {
      bytes[i] = static_cast<std::byte>(number >> (24 - 8 * i));
    }
    add(bytes);
  }

  void add_chunk(std::string_view type, std::span<const std::byte> data) {
    add_number(static_cast<std::uint32_t>(data.size()));
    add(std::as_bytes(std::span(type)));
    add(data);
    add_number(0);  // a checksum that is not looked at
  }

  std::deque<std::span<const std::byte>> pieces_;
  std::deque<std::array<std::byte, 4>> numbers_;
};

// Owns a libpng reader over the pieces of a file.
class Reader {
 public:
  explicit Reader(const PngMetadata& metadata) : rest_(metadata) {
    guarded([this] {
      png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, on_error,
                                    on_warning);
    });
    if (png_ == nullptr) fail("no memory for the decoder");
    try {
      guarded([this] { configure(); });
    } catch (...) {
      close();
      throw;
    }
  }
  ~Reader() { close(); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  png_structp png() { return png_; }
  png_infop info() { return info_; }
  // Whether the picture's own checksum is wrong, which libpng but warns of
  // where it stands behind the last row.
  bool has_wrong_sum() const { return has_wrong_sum_; }

  // Runs libpng calls and throws what they report. libpng leaves them by
  // longjmp to this frame, so `call` may own nothing that has a destructor.
  template <typename Call>
  void guarded(const Call& call) {
    if (setjmp(jump_) != 0) fail(message_);
    call();
  }

 private:
  [[noreturn]] static void fail(const char* why) {
    throw InputError("cannot decode PNG image", why);
  }

  [[noreturn]] static void on_error(png_structp png, const char* message) {
    auto* reader = static_cast<Reader*>(png_get_error_ptr(png));
    std::snprintf(reader->message_, sizeof(reader->message_), "%s", message);
    std::longjmp(reader->jump_, 1);
  }

  static void on_warning(png_structp png, const char* message) {
    auto* reader = static_cast<Reader*>(png_get_error_ptr(png));
    if (std::string_view(message).find("incorrect data check") !=
        std::string_view::npos) {
      reader->has_wrong_sum_ = true;
    }
  }

  static void read(png_structp png, png_bytep to, std::size_t count) {
    auto* reader = static_cast<Reader*>(png_get_io_ptr(png));
    if (!reader->rest_.take(reinterpret_cast<std::byte*>(to), count)) {
      png_error(png, "the data ends early");
    }
  }

  void configure() {
    info_ = png_create_info_struct(png_);
    if (info_ == nullptr) png_error(png_, "no memory for the decoder");
    png_set_read_fn(png_, this, read);
    // Pieces writes no checksums: those of the file have been looked at.
    png_set_crc_action(png_, PNG_CRC_QUIET_USE, PNG_CRC_QUIET_USE);
    png_set_benign_errors(png_, 1);
    png_set_chunk_malloc_max(png_, kMaxChunkBytes);
    png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
  }

  void close() {
    if (png_ != nullptr) png_destroy_read_struct(&png_, &info_, nullptr);
  }

  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  Pieces rest_;
  bool has_wrong_sum_ = false;
  std::jmp_buf jump_;
  char message_[256] = {};
};

// Sets libpng up to deliver RGB of 8 bits, or for 16-bit grey that grey.
void request_rgb(png_structp png, png_infop info, bool is_deep_grey) {
  if (!is_deep_grey) {
    png_set_strip_16(png);  // keeps the high byte; scaling would round
    png_set_palette_to_rgb(png);
    png_set_expand_gray_1_2_4_to_8(png);
    // Dropped and not blended, as PIL's convert("RGB") does.
    png_set_strip_alpha(png);
    png_set_gray_to_rgb(png);
  }
  png_set_interlace_handling(png);
  png_read_update_info(png, info);
}

// 16-bit grey to RGB the way PIL does: values over 255 are clipped, not scaled.
void clip_grey(const std::vector<std::uint8_t>& grey, RgbImage& image) {
  const std::size_t count = image.pixels.size() / 3;
  for (std::size_t i = 0; i < count; ++i) {
    // PNG stores the high byte first.
    const std::uint8_t level = grey[2 * i] != 0 ? 255 : grey[2 * i + 1];
    std::fill_n(image.pixels.begin() + static_cast<std::ptrdiff_t>(3 * i), 3,
                level);
  }
}

// The pixels; throws InputError where anything about them is wrong, the sum of
// the compressed data included.
RgbImage read_pixels(const PngMetadata& metadata) {
  RgbImage image;
  image.height = static_cast<int>(metadata.height);
  image.width = static_cast<int>(metadata.width);
  const bool is_deep_grey =
      metadata.color_type == PNG_COLOR_TYPE_GRAY && metadata.bit_depth == 16;
  const std::size_t row_bytes =
      static_cast<std::size_t>(metadata.width) * (is_deep_grey ? 2 : 3);

  Reader reader(metadata);
  reader.guarded([&] {
    png_read_info(reader.png(), reader.info());
    request_rgb(reader.png(), reader.info(), is_deep_grey);
    if (png_get_rowbytes(reader.png(), reader.info()) != row_bytes) {
      png_error(reader.png(), "unknown kind of pixels");
    }
  });

  std::vector<std::uint8_t> grey;
  image.pixels.resize(std::size_t{3} * image.height * image.width);
  if (is_deep_grey) grey.resize(row_bytes * metadata.height);
  std::uint8_t* const base = is_deep_grey ? grey.data() : image.pixels.data();
  // All rows at once: an interlaced picture comes in passes over all of them.
  std::vector<png_bytep> rows(static_cast<std::size_t>(metadata.height));
  for (std::size_t y = 0; y < rows.size(); ++y) rows[y] = base + y * row_bytes;
  reader.guarded([&] {
    png_read_image(reader.png(), rows.data());
    png_read_end(reader.png(), nullptr);
    if (reader.has_wrong_sum()) {
      png_error(reader.png(), "the checksum of its picture is wrong");
    }
  });
  if (is_deep_grey) clip_grey(grey, image);
  return image;
}

}  // namespace

StoredImage decode_png(std::span<const std::byte> bytes,
                       const DecodeLimits& limits) {
  PngMetadata metadata = read_png_metadata(bytes);
  check_sides("PNG", metadata.height, metadata.width, limits);
  StoredImage image;
  image.orientation = metadata.orientation;
  try {
    image.pixels = read_pixels(metadata);
    return image;
  } catch (const InputError&) {
    // Where all rows are there it is what follows them that is wrong.
    const std::vector<std::byte> rows = mended_rows(metadata);
    if (rows.empty() && metadata.has_all_data) throw;
    if (rows.empty()) {
      throw InputError("cannot decode PNG image", "the data ends early");
    }
    metadata.data = {rows};
    image.pixels = read_pixels(metadata);
    return image;
  }
}

}  // namespace lens::image
