#include "analysis/report/thumbnail.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "input/image/image.h"
#include "tests/input/image/encoders.h"

namespace lens::analysis::report {
namespace {

image::RgbImage grey(int width, int height) {
  image::RgbImage picture;
  picture.width = width;
  picture.height = height;
  picture.pixels.assign(std::size_t{3} * width * height, 128);
  return picture;
}

TEST(Shrink, BoundsTheAreaOfAPhoto) {
  const image::RgbImage small = shrink(grey(1600, 1200));
  EXPECT_NEAR(small.width, 277, 1);
  EXPECT_NEAR(small.height, 208, 1);
}

TEST(Shrink, KeepsALineOfFormulaWide) {
  const image::RgbImage small = shrink(grey(960, 80));
  EXPECT_EQ(small.width, 480);
  EXPECT_EQ(small.height, 40);
}

TEST(Shrink, NeverEnlargesAndNeverVanishes) {
  EXPECT_EQ(shrink(grey(20, 10)).width, 20);
  const image::RgbImage thread = shrink(grey(5000, 3));
  EXPECT_EQ(thread.width, 480);
  EXPECT_EQ(thread.height, 1);
}

TEST(EncodeJpeg, IsReadBackAsNearlyTheSamePicture) {
  image::RgbImage before = grey(64, 48);
  for (int y = 0; y < 48; ++y)
    for (int x = 0; x < 64; ++x)
      before.pixels[static_cast<std::size_t>(3 * (64 * y + x))] =
          static_cast<std::uint8_t>(3 * x + y);
  const image::RgbImage after = image::decode_image(encode_jpeg(before, 95));
  ASSERT_EQ(after.width, 64);
  ASSERT_EQ(after.height, 48);
  double distance = 0;
  for (std::size_t i = 0; i < before.pixels.size(); ++i)
    distance += std::abs(before.pixels[i] - after.pixels[i]);
  EXPECT_LT(distance / static_cast<double>(before.pixels.size()), 2);
}

TEST(MakeThumbnail, IsASmallJpegUri) {
  const Thumbnail thumbnail =
      make_thumbnail(image::testing::make_jpeg({.width = 1200, .height = 900}));
  EXPECT_EQ(thumbnail.reason, "");
  EXPECT_TRUE(thumbnail.uri.starts_with("data:image/jpeg;base64,/9j/"));
  EXPECT_LT(thumbnail.uri.size(), 20'000u);
  EXPECT_EQ(thumbnail.source_width, 1200);
  EXPECT_EQ(thumbnail.source_height, 900);
}

TEST(MakeThumbnail, OfABrokenPictureSaysWhy) {
  image::testing::FileBytes bytes =
      image::testing::make_jpeg({.width = 300, .height = 200});
  bytes.resize(bytes.size() / 3);
  const Thumbnail thumbnail = make_thumbnail(bytes);
  EXPECT_EQ(thumbnail.uri, "");
  EXPECT_NE(thumbnail.reason.find("cannot decode JPEG image"),
            std::string::npos);
  EXPECT_NE(make_thumbnail({}).reason, "");
}

}  // namespace
}  // namespace lens::analysis::report
