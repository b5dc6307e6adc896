#include "analysis/figures/image_grid.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "worker/error.h"

namespace lens::analysis {
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

// A synthetic picture: white, but for one coloured cell. Resized to the grid's
// pixels by nearest neighbour, cut into patches of 14 in the order in which the
// model takes them (blocks of 2 x 2, row by row), the token that sees colour
// must be the one whose box covers the cell.
TEST(ImageGrid, TheColouredCellIsTheBoxOfTheTokenThatSeesIt) {
  const ImageGeometry geometry{100, 330, 8, 24};  // 112 x 336, 4 x 12 tokens
  const int cell_left = 193, cell_top = 75, cell_size = 20;
  const auto coloured = [&](int y, int x) {
    return x >= cell_left && x < cell_left + cell_size && y >= cell_top &&
           y < cell_top + cell_size;
  };
  std::vector<int> seen(48, 0);
  for (int y = 0; y < geometry.grid_height * 14; ++y) {
    for (int x = 0; x < geometry.grid_width * 14; ++x) {
      const int source_y =
          y * geometry.image_height / (geometry.grid_height * 14);
      const int source_x =
          x * geometry.image_width / (geometry.grid_width * 14);
      const int patch_row = y / 14, patch_column = x / 14;
      const int token =
          patch_row / 2 * (geometry.grid_width / 2) + patch_column / 2;
      seen[static_cast<std::size_t>(token)] += coloured(source_y, source_x);
    }
  }
  int tokens_with_colour = 0;
  for (int token = 0; token < 48; ++token) {
    if (seen[static_cast<std::size_t>(token)] == 0) continue;
    ++tokens_with_colour;
    const PixelBox box = image_token_box(geometry, token);
    EXPECT_LE(box.left, cell_left);
    EXPECT_GE(box.left + box.width, cell_left + cell_size);
    EXPECT_LE(box.top, cell_top);
    EXPECT_GE(box.top + box.height, cell_top + cell_size);
    EXPECT_EQ(token, 3 * 12 + 7);
  }
  EXPECT_EQ(tokens_with_colour, 1);
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
}  // namespace lens::analysis
