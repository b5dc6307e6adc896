#include "analysis/figures/image_grid.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "base/error.h"
#include "input/image/preprocess.h"

namespace lens::analysis::figures {
namespace {

using testing::ElementsAre;

// 480 x 640 becomes 476 x 644 pixels, 34 x 46 patches, 17 x 23 tokens.
const ImageGeometry kPhoto{480, 640, 34, 46};

TEST(ImageGrid, ATokenIsTwoByTwoPatches) {
  EXPECT_EQ(token_grid(kPhoto), (TokenGrid{17, 23}));
  EXPECT_EQ(token_grid(kPhoto).tokens(), 391);
}

TEST(ImageGrid, BoxesTileThePicture) {
  double area = 0;
  for (int token = 0; token < 391; ++token) {
    const PixelBox box = image_token_box(kPhoto, token);
    area += box.width * box.height;
    if (token % 23 != 0) {
      const PixelBox before = image_token_box(kPhoto, token - 1);
      EXPECT_NEAR(before.left + before.width, box.left, 1e-9);
      EXPECT_DOUBLE_EQ(before.top, box.top);
    }
  }
  EXPECT_NEAR(area, 480.0 * 640.0, 1e-6);
  const PixelBox last = image_token_box(kPhoto, 390);
  EXPECT_NEAR(last.left + last.width, 640, 1e-9);
  EXPECT_NEAR(last.top + last.height, 480, 1e-9);
}

// A white picture with one red cell: the inner part of the box of `token`.
image::RgbImage picture_with_cell(const ImageGeometry& geometry, int token) {
  image::RgbImage picture{geometry.image_height, geometry.image_width, {}};
  picture.pixels.assign(static_cast<std::size_t>(geometry.image_height) *
                            static_cast<std::size_t>(geometry.image_width) * 3,
                        255);
  const PixelBox box = image_token_box(geometry, token);
  constexpr double kInside = 3;  // pixels, for what the resampling spreads
  for (int y = 0; y < geometry.image_height; ++y) {
    for (int x = 0; x < geometry.image_width; ++x) {
      if (x < box.left + kInside || x + 1 > box.left + box.width - kInside ||
          y < box.top + kInside || y + 1 > box.top + box.height - kInside) {
        continue;
      }
      const auto at = static_cast<std::size_t>(y * geometry.image_width + x);
      picture.pixels[3 * at + 1] = picture.pixels[3 * at + 2] = 0;
    }
  }
  return picture;
}

// [token] how far its patches are from those of a white picture.
std::vector<double> colour_seen(const image::RgbImage& picture,
                                const image::FittedImage& white) {
  const auto tokens = static_cast<std::size_t>(white.tokens(2));
  const std::vector<float> own =
      image::patch_values(image::fit_image(picture, {}), {});
  const std::vector<float> plain = image::patch_values(white, {});
  const std::size_t values = own.size() / tokens;
  std::vector<double> seen(tokens, 0);
  for (std::size_t i = 0; i < own.size(); ++i) {
    seen[i / values] += std::abs(own[i] - plain[i]);
  }
  return seen;
}

// The worker's own resizing and cutting into patches says which token sees the
// coloured cell: the one whose box it was painted into.
TEST(ImageGrid, TheColouredCellIsSeenByTheTokenOfItsBox) {
  for (const auto& [height, width] :
       {std::pair{100, 330}, {40, 200}, {181, 97}, {200, 200}}) {
    image::RgbImage blank{height, width, {}};
    blank.pixels.assign(static_cast<std::size_t>(height * width * 3), 255);
    const image::FittedImage white = image::fit_image(blank, {});
    const ImageGeometry geometry{height, width, white.grid_height,
                                 white.grid_width};
    for (int token = 0; token < token_grid(geometry).tokens(); ++token) {
      const std::vector<double> seen =
          colour_seen(picture_with_cell(geometry, token), white);
      const double all = std::accumulate(seen.begin(), seen.end(), 0.0);
      EXPECT_GT(all, 0);
      EXPECT_GT(seen[static_cast<std::size_t>(token)], 0.97 * all)
          << height << " x " << width << ", token " << token;
    }
  }
}

TEST(ImageGrid, BadSizesAreRefused) {
  EXPECT_THROW(token_grid({0, 5, 2, 2}), InputError);
  EXPECT_THROW(token_grid({5, 5, 3, 2}), InputError);
  EXPECT_THROW(token_grid({5, 5, 0, 0}), InputError);
  EXPECT_THROW(image_token_box(kPhoto, 391), InputError);
  EXPECT_THROW(image_token_box(kPhoto, -1), InputError);
}

// Template 0..2, image 3..6, template 7, question 8, answer 9.
const std::vector<std::uint8_t> kRoles = {0, 0, 1, 1, 1, 1, 0, 2, 3};
const std::vector<std::int32_t> kPositions = {1, 2, 3, 4, 5, 6, 7, 8, 9};

TEST(ImageTokenRows, TheStateAtATokenIsReadByTheRowAfterIt) {
  EXPECT_THAT(image_token_rows(kRoles, kPositions, 4), ElementsAre(3, 4, 5, 6));
}

TEST(ImageTokenRows, WithImageRowsAloneTheLastTokenHasNone) {
  const std::vector<std::uint8_t> roles = {1, 1, 1, 1, 3};
  const std::vector<std::int32_t> positions = {3, 4, 5, 6, 9};
  EXPECT_THAT(image_token_rows(roles, positions, 4),
              ElementsAre(1, 2, 3, kNoRow));
}

TEST(ImageTokenRows, WithoutImageRowsThereIsNothing) {
  const std::vector<std::uint8_t> roles = {3, 4};
  const std::vector<std::int32_t> positions = {9, 10};
  EXPECT_THAT(image_token_rows(roles, positions, 2),
              ElementsAre(kNoRow, kNoRow));
  EXPECT_THAT(image_token_rows({}, {}, 0), ElementsAre());
}

TEST(ImageTokenRows, WhatDoesNotFitIsRefused) {
  EXPECT_THROW(image_token_rows(kRoles, {}, 4), InputError);
  EXPECT_THROW(image_token_rows(kRoles, kPositions, 5), InputError);
  const std::vector<std::uint8_t> roles = {1, 1};
  const std::vector<std::int32_t> apart = {3, 5};
  EXPECT_THROW(image_token_rows(roles, apart, 2), InputError);
}

}  // namespace
}  // namespace lens::analysis::figures
