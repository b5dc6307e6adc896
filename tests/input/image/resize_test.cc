#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <thread>
#include <vector>

#include "base/error.h"
#include "input/image/image.h"
#include "input/image/resize_axis.h"

namespace lens::image {
namespace {

using ::testing::Each;

RgbImage make_image(int height, int width) {
  RgbImage image{.height = height, .width = width, .pixels = {}};
  std::uint32_t state = 1;
  for (int i = 0; i < height * width * 3; ++i) {
    state = state * 1664525u + 1013904223u;
    image.pixels.push_back(static_cast<std::uint8_t>(state >> 24));
  }
  return image;
}

// The definition in ResizeAxis, one sample at a time.
RgbImage resize_plainly(const RgbImage& image, int height, int width) {
  const auto pass = [](const ResizeAxis& axis, auto at, int i) {
    int sum = 1 << (axis.precision - 1);
    for (int k = 0; k < axis.count[i]; ++k) {
      sum += axis.weights[i * axis.taps + k] * at(axis.first[i] + k);
    }
    return static_cast<std::uint8_t>(std::clamp(sum >> axis.precision, 0, 255));
  };
  RgbImage wide{.height = image.height, .width = width, .pixels = {}};
  const ResizeAxis across = make_resize_axis(image.width, width);
  for (int y = 0; y < image.height; ++y) {
    for (int i = 0; i < width * 3; ++i) {
      const auto at = [&](int x) {
        return image.pixels[(y * image.width + x) * 3 + i % 3];
      };
      wide.pixels.push_back(pass(across, at, i / 3));
    }
  }
  RgbImage result{.height = height, .width = width, .pixels = {}};
  const ResizeAxis down = make_resize_axis(image.height, height);
  for (int y = 0; y < height; ++y) {
    for (int i = 0; i < width * 3; ++i) {
      const auto at = [&](int row) { return wide.pixels[row * width * 3 + i]; };
      result.pixels.push_back(pass(down, at, y));
    }
  }
  return result;
}

TEST(Resize, FastLoopsEqualThePlainDefinition) {
  for (const int width : {1, 2, 7, 61, 190}) {
    for (const int height : {1, 3, 40}) {
      const RgbImage image = make_image(height, width);
      for (const int size : {1, 2, 13, 100, 251}) {
        if (size == width || size == height) continue;  // a pass is skipped
        EXPECT_EQ(resize_bicubic(image, size, size).pixels,
                  resize_plainly(image, size, size).pixels)
            << height << " x " << width << " to " << size;
      }
    }
  }
}

TEST(Resize, EqualSidesLeaveThePixelsAlone) {
  const RgbImage image = make_image(9, 17);
  EXPECT_EQ(resize_bicubic(image, 9, 17).pixels, image.pixels);
}

TEST(Resize, OneColourStaysOneColour) {
  RgbImage image{.height = 30, .width = 50, .pixels = {}};
  image.pixels.assign(30 * 50 * 3, 200);
  EXPECT_THAT(resize_bicubic(image, 84, 28).pixels, Each(200));
}

TEST(Resize, WeightsOfHalvingAreThoseOfTheReference) {
  // Half the largest weight of the cubic, 0.5 * 0.87, fits 16 bits at 2^16.
  const ResizeAxis axis = make_resize_axis(16, 8);
  EXPECT_EQ(axis.precision, 16);
  const auto row = axis.weights.begin() + 4 * axis.taps;
  int total = 0;
  for (int k = 0; k < axis.count[4]; ++k) total += row[k];
  EXPECT_NEAR(total, 1 << axis.precision, 4);
  EXPECT_EQ(row[3], row[4]);
}

TEST(Resize, EmptyImagesAreRefused) {
  EXPECT_THROW(resize_bicubic({}, 28, 28), InputError);
  EXPECT_THROW(resize_bicubic(make_image(3, 3), 0, 28), InputError);
}

TEST(Resize, ThreadsDoNotDisturbEachOther) {
  const RgbImage image = make_image(120, 90);
  const RgbImage expected = resize_bicubic(image, 56, 84);
  std::vector<RgbImage> results(4);
  {
    std::vector<std::jthread> threads;
    for (RgbImage& result : results) {
      threads.emplace_back(
          [&image, &result] { result = resize_bicubic(image, 56, 84); });
    }
  }
  for (const RgbImage& result : results) {
    EXPECT_EQ(result.pixels, expected.pixels);
  }
}

}  // namespace
}  // namespace lens::image
