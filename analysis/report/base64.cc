#include "analysis/report/base64.h"

#include <bit>
#include <cmath>
#include <limits>

namespace lens::analysis::report {
namespace {

constexpr char kDigits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void append(std::vector<std::uint8_t>& out, std::uint32_t value, int bytes) {
  for (int i = 0; i < bytes; ++i)
    out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

// The upper 24 bits of a float, rounded. A carry into the exponent is right: it
// is the next power of two.
std::uint32_t upper_bits(float value) {
  if (std::isnan(value)) value = std::numeric_limits<float>::quiet_NaN();
  const auto bits = std::bit_cast<std::uint32_t>(value);
  return std::isfinite(value) ? (bits + 0x80) >> 8 : bits >> 8;
}

}  // namespace

std::string base64(std::span<const std::uint8_t> bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t left = bytes.size() - i;
    std::uint32_t group = std::uint32_t{bytes[i]} << 16;
    if (left > 1) group |= std::uint32_t{bytes[i + 1]} << 8;
    if (left > 2) group |= bytes[i + 2];
    text += kDigits[group >> 18];
    text += kDigits[(group >> 12) & 63];
    text += left > 1 ? kDigits[(group >> 6) & 63] : '=';
    text += left > 2 ? kDigits[group & 63] : '=';
  }
  return text;
}

std::string base64(std::span<const std::byte> bytes) {
  return base64(std::span(reinterpret_cast<const std::uint8_t*>(bytes.data()),
                          bytes.size()));
}

std::string packed_floats(std::span<const float> values) {
  std::vector<std::uint8_t> bytes;
  bytes.reserve(values.size() * 3);
  for (const float value : values) append(bytes, upper_bits(value), 3);
  return base64(bytes);
}

std::string packed_integers(std::span<const std::int32_t> values, int bytes) {
  std::vector<std::uint8_t> out;
  out.reserve(values.size() * static_cast<std::size_t>(bytes));
  for (const std::int32_t value : values)
    append(out, static_cast<std::uint32_t>(value), bytes);
  return base64(out);
}

}  // namespace lens::analysis::report
