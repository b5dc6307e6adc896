#include "analysis/report/base64.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

namespace lens::analysis::report {
namespace {

std::string of(std::string_view text) {
  return base64(std::as_bytes(std::span(text)));
}

int digit(char c) {
  static const std::string digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  return c == '=' ? 0 : static_cast<int>(digits.find(c));
}

std::vector<std::uint8_t> decoded(const std::string& text) {
  std::vector<std::uint8_t> bytes;
  for (std::size_t i = 0; i < text.size(); i += 4) {
    const int group = digit(text[i]) << 18 | digit(text[i + 1]) << 12 |
                      digit(text[i + 2]) << 6 | digit(text[i + 3]);
    for (const int shift : {16, 8, 0})
      bytes.push_back(static_cast<std::uint8_t>(group >> shift));
  }
  return bytes;
}

// As the page's script does.
float float_at(const std::vector<std::uint8_t>& bytes, std::size_t i) {
  const std::uint32_t bits = std::uint32_t{bytes[3 * i]} << 8 |
                             std::uint32_t{bytes[3 * i + 1]} << 16 |
                             std::uint32_t{bytes[3 * i + 2]} << 24;
  return std::bit_cast<float>(bits);
}

TEST(Base64, GivesTheVectorsOfRfc4648) {
  EXPECT_EQ(of(""), "");
  EXPECT_EQ(of("f"), "Zg==");
  EXPECT_EQ(of("fo"), "Zm8=");
  EXPECT_EQ(of("foo"), "Zm9v");
  EXPECT_EQ(of("foob"), "Zm9vYg==");
  EXPECT_EQ(of("fooba"), "Zm9vYmE=");
  EXPECT_EQ(of("foobar"), "Zm9vYmFy");
}

TEST(PackedFloats, KeepMoreThanFourDigits) {
  std::mt19937 engine(1);
  std::vector<float> values = {0.0f, 1.0f, -7.25f, 11.9312f, 1e-30f};
  for (int i = 0; i < 1000; ++i)
    values.push_back(std::ldexp(1.0f + static_cast<float>(engine() % 100000),
                                static_cast<int>(engine() % 40) - 30));
  const std::vector<std::uint8_t> bytes = decoded(packed_floats(values));
  for (std::size_t i = 0; i < values.size(); ++i)
    EXPECT_NEAR(float_at(bytes, i), values[i],
                std::ldexp(std::fabs(values[i]), -16));
}

TEST(PackedFloats, RoundUpIntoTheNextPowerOfTwo) {
  const float below_two = std::nextafter(2.0f, 0.0f);
  EXPECT_EQ(float_at(decoded(packed_floats(std::vector{below_two})), 0), 2.0f);
}

TEST(PackedFloats, KeepNanAndInfinity) {
  const float nan = std::bit_cast<float>(0x7F800001u);  // in the lost bits
  const float infinity = std::numeric_limits<float>::infinity();
  const auto bytes = decoded(packed_floats(std::vector{nan, -infinity}));
  EXPECT_TRUE(std::isnan(float_at(bytes, 0)));
  EXPECT_EQ(float_at(bytes, 1), -infinity);
}

TEST(PackedIntegers, AreLittleEndian) {
  EXPECT_EQ(packed_integers(std::vector{0x010203}, 3), "AwIB");
  const auto bytes = decoded(packed_integers(std::vector{65535, 1, 2}, 2));
  EXPECT_EQ(bytes, (std::vector<std::uint8_t>{255, 255, 1, 0, 2, 0}));
}

}  // namespace
}  // namespace lens::analysis::report
