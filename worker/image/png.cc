#include "worker/image/png.h"

#include <png.h>

#include <algorithm>
#include <csetjmp>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <vector>

#include "worker/error.h"
#include "worker/image/png_metadata.h"

namespace lens::image {
namespace {

// Nothing but the header, the palette and the picture is handed to libpng:
// other chunks change no pixel here and are the usual way to attack a decoder.
constexpr png_alloc_size_t kMaxChunkBytes = 8 << 20;

// Owns a libpng reader over memory.
class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : rest_(bytes) {
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
  // Whether more was asked for than the file holds.
  bool ran_out() const { return ran_out_; }

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

  static void on_warning(png_structp, const char*) {}

  static void read(png_structp png, png_bytep to, std::size_t count) {
    auto* reader = static_cast<Reader*>(png_get_io_ptr(png));
    if (count > reader->rest_.size()) {
      reader->ran_out_ = true;
      png_error(png, "the data ends early");
    }
    std::memcpy(to, reader->rest_.data(), count);
    reader->rest_ = reader->rest_.subspan(count);
  }

  void configure() {
    info_ = png_create_info_struct(png_);
    if (info_ == nullptr) png_error(png_, "no memory for the decoder");
    png_set_read_fn(png_, this, read);
    png_set_benign_errors(png_, 1);
    png_set_chunk_malloc_max(png_, kMaxChunkBytes);
    png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
  }

  void close() {
    if (png_ != nullptr) png_destroy_read_struct(&png_, &info_, nullptr);
  }

  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  std::span<const std::byte> rest_;
  bool ran_out_ = false;
  std::jmp_buf jump_;
  char message_[256] = {};
};

// Sets libpng up to deliver RGB of 8 bits, or for 16-bit grey that grey.
void request_rgb(png_structp png, png_infop info, bool is_deep_grey) {
  if (!is_deep_grey) {
    png_set_strip_16(png);  // keeps the high byte; scaling would round
    png_set_palette_to_rgb(png);
    png_set_expand_gray_1_2_4_to_8(png);
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
    const std::uint8_t level = grey[2 * i] != 0 ? 255 : grey[2 * i + 1];
    std::fill_n(image.pixels.begin() + static_cast<std::ptrdiff_t>(3 * i), 3,
                level);
  }
}

}  // namespace

StoredImage decode_png(std::span<const std::byte> bytes,
                       const DecodeLimits& limits) {
  const PngMetadata metadata = read_png_metadata(bytes);
  check_sides("PNG", metadata.height, metadata.width, limits);
  if (!metadata.has_all_data) {
    throw InputError("cannot decode PNG image", "the data ends early");
  }

  StoredImage image;
  image.orientation = metadata.orientation;
  image.pixels.height = static_cast<int>(metadata.height);
  image.pixels.width = static_cast<int>(metadata.width);
  const bool is_deep_grey =
      metadata.color_type == PNG_COLOR_TYPE_GRAY && metadata.bit_depth == 16;
  const std::size_t row_bytes =
      static_cast<std::size_t>(metadata.width) * (is_deep_grey ? 2 : 3);

  Reader reader(bytes);
  reader.guarded([&] {
    png_read_info(reader.png(), reader.info());
    request_rgb(reader.png(), reader.info(), is_deep_grey);
    if (png_get_rowbytes(reader.png(), reader.info()) != row_bytes) {
      png_error(reader.png(), "unknown kind of pixels");
    }
  });

  std::vector<std::uint8_t> grey;
  image.pixels.pixels.resize(std::size_t{3} * image.pixels.height *
                             image.pixels.width);
  if (is_deep_grey) grey.resize(row_bytes * metadata.height);
  std::uint8_t* const base =
      is_deep_grey ? grey.data() : image.pixels.pixels.data();
  std::vector<png_bytep> rows(static_cast<std::size_t>(metadata.height));
  for (std::size_t y = 0; y < rows.size(); ++y) rows[y] = base + y * row_bytes;
  reader.guarded([&] { png_read_image(reader.png(), rows.data()); });
  try {
    reader.guarded([&] { png_read_end(reader.png(), nullptr); });
  } catch (const InputError&) {
    // All pixels are here; only what comes after them may be missing.
    if (!reader.ran_out()) throw;
  }
  if (is_deep_grey) clip_grey(grey, image.pixels);
  return image;
}

}  // namespace lens::image
