#include "input/image/png_metadata.h"

#include <zlib.h>

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "input/image/orientation.h"

namespace lens::image {
namespace {

constexpr std::size_t kSignatureBytes = 8;
constexpr std::size_t kHeaderDataBytes = 13;
// Orientation stands in a few kilobytes; a text that inflates beyond this is
// not looked at.
constexpr std::size_t kMaxTextBytes = 1 << 20;

std::uint32_t big_endian_32(std::string_view data) {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) {
    value = value << 8 | static_cast<unsigned char>(data[i]);
  }
  return value;
}

// Splits `text` at its first zero byte; nothing if there is none.
std::optional<std::string_view> take_field(std::string_view& text) {
  const std::size_t end = text.find('\0');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view field = text.substr(0, end);
  text.remove_prefix(end + 1);
  return field;
}

// Inflates a zlib stream; "" when it is damaged or too large.
std::string inflate_text(std::string_view compressed) {
  std::string text(kMaxTextBytes, '\0');
  uLongf size = text.size();
  if (uncompress(reinterpret_cast<Bytef*>(text.data()), &size,
                 reinterpret_cast<const Bytef*>(compressed.data()),
                 compressed.size()) != Z_OK) {
    return "";
  }
  text.resize(size);
  return text;
}

struct Text {
  std::string_view keyword;
  std::string value;
};

bool is_wanted(std::string_view keyword) {
  return keyword == "Raw profile type exif" || keyword == "XML:com.adobe.xmp";
}

// The keyword and value of a text chunk that may tell the orientation.
std::optional<Text> read_text(std::string_view type, std::string_view data) {
  const std::optional<std::string_view> keyword = take_field(data);
  if (!keyword || !is_wanted(*keyword)) return std::nullopt;
  if (type == "tEXt") return Text{*keyword, std::string(data)};
  if (type == "zTXt") {
    if (data.empty() || data[0] != 0) return std::nullopt;
    return Text{*keyword, inflate_text(data.substr(1))};
  }
  // iTXt: flag, method, language, translated keyword, text.
  if (data.size() < 2) return std::nullopt;
  const bool is_compressed = data[0] != 0;
  if (is_compressed && data[1] != 0) return std::nullopt;
  data.remove_prefix(2);
  if (!take_field(data) || !take_field(data)) return std::nullopt;
  return Text{*keyword, is_compressed ? inflate_text(data) : std::string(data)};
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The EXIF block of a raw profile text: three lines (empty, name, length),
// then hexadecimal digits in lines. "" when it is not of this form.
std::string bytes_of_raw_profile(std::string_view text) {
  for (int line = 0; line < 3; ++line) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return "";
    text.remove_prefix(end + 1);
  }
  std::string bytes;
  int high = -1;
  for (const char c : text) {
    if (c == '\n' || c == '\r' || c == ' ' || c == '\t') continue;
    const int digit = hex_digit(c);
    if (digit < 0) return "";
    if (high < 0) {
      high = digit;
    } else {
      bytes.push_back(static_cast<char>(high << 4 | digit));
      high = -1;
    }
  }
  return bytes;
}

std::optional<int> orientation_in(std::string_view exif) {
  return exif_orientation(std::as_bytes(std::span(exif)));
}

// `checked` is a chunk's type and data, `rest` what follows it.
void check_sum(std::string_view type, std::string_view checked,
               std::string_view rest) {
  if (rest.size() < 4) {
    throw InputError("cannot decode PNG image", "the data ends early");
  }
  const auto* bytes = reinterpret_cast<const Bytef*>(checked.data());
  if (crc32_z(0, bytes, checked.size()) == big_endian_32(rest)) return;
  std::string name(type);
  for (char& c : name) {
    if (c < 'A' || c > 'z') c = '?';
  }
  throw InputError("cannot decode PNG image",
                   "wrong checksum of its " + name + " chunk");
}

}  // namespace

PngMetadata read_png_metadata(std::span<const std::byte> bytes) {
  std::string_view rest(reinterpret_cast<const char*>(bytes.data()),
                        bytes.size());
  // The signature was looked at when the format was chosen.
  rest.remove_prefix(std::min(kSignatureBytes, rest.size()));
  if (rest.size() < 8 + kHeaderDataBytes || rest.substr(4, 4) != "IHDR" ||
      big_endian_32(rest) != kHeaderDataBytes) {
    throw InputError("cannot decode PNG image", "no header chunk");
  }
  PngMetadata metadata;
  metadata.width = big_endian_32(rest.substr(8));
  metadata.height = big_endian_32(rest.substr(12));
  metadata.bit_depth = static_cast<unsigned char>(rest[16]);
  metadata.color_type = static_cast<unsigned char>(rest[17]);
  metadata.interlaced = rest[20] != 0;

  metadata.header = std::as_bytes(std::span(rest.substr(8, kHeaderDataBytes)));

  std::optional<std::string_view> exif;
  std::string profile;
  std::string xmp;
  bool data_ended = false;  // by a chunk of another kind
  while (rest.size() >= 8) {
    const std::uint32_t length = big_endian_32(rest);
    const std::string_view type = rest.substr(4, 4);
    const std::string_view checked = rest.substr(4, std::size_t{4} + length);
    rest.remove_prefix(8);
    const bool is_whole = rest.size() >= length;
    const std::string_view data = rest.substr(0, length);
    if (type == "IDAT") {
      // PIL reads the chunks of the picture that come one after another; what
      // stands behind a chunk of another kind is not of it.
      if (!data_ended) {
        metadata.has_all_data = is_whole;
        metadata.data.push_back(std::as_bytes(std::span(data)));
      }
    } else if (metadata.data.empty()) {
      // Ahead of the picture PIL checks every sum, behind its beginning none.
      check_sum(type, checked,
                rest.substr(std::min<std::size_t>(length, rest.size())));
    } else {
      data_ended = true;
    }
    // A chunk that is cut off is the file's last.
    if (!is_whole || type == "IEND") break;
    if (type == "PLTE") metadata.palette = std::as_bytes(std::span(data));
    if (type == "eXIf") {
      exif = data;
    } else if (type == "tEXt" || type == "zTXt" || type == "iTXt") {
      if (std::optional<Text> text = read_text(type, data)) {
        (text->keyword.starts_with("Raw") ? profile : xmp) =
            std::move(text->value);
      }
    }
    rest.remove_prefix(length);
    rest.remove_prefix(std::min<std::size_t>(4, rest.size()));  // checksum
  }
  std::optional<int> orientation =
      // An eXIf chunk goes before the text that older writers use, and both
      // before XMP.
      orientation_in(exif ? *exif : bytes_of_raw_profile(profile));
  if (!orientation) orientation = xmp_orientation(xmp);
  metadata.orientation = orientation.value_or(1);
  return metadata;
}

}  // namespace lens::image
