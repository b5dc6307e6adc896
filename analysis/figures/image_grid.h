#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace lens::analysis::figures {

// Where the tokens of an image lie in its picture, and which rows of a results
// file were read from their states.

// What results.h5 says of a sample's image (docs/format.md, section 3).
struct ImageGeometry {
  int image_height = 0, image_width = 0;  // pixels, after EXIF rotation
  int grid_height = 0, grid_width = 0;    // patches of 14 pixels, even numbers
};

// Rows and columns of tokens: a token stands for 2 x 2 patches.
struct TokenGrid {
  int rows = 0, columns = 0;

  int tokens() const { return rows * columns; }
  bool operator==(const TokenGrid&) const = default;
};

// A rectangle in pixels of the source picture. Pixel (x, y) is the square from
// (x, y) to (x+1, y+1); edges fall between pixels.
struct PixelBox {
  double left = 0, top = 0, width = 0, height = 0;
};

// Throws InputError where a size is not positive or the grid is odd.
TokenGrid token_grid(const ImageGeometry& geometry);

// The box that the `token`-th image token covers. The model sees the picture
// resized to grid_width * 14 by grid_height * 14 pixels, the aspect not kept
// (smart_resize rounds each side to 28); a token covers 28 x 28 of these, and
// tokens run row by row. The boxes tile the picture. (That a token's patches
// lie here says where it comes from, not all that it knows: the vision tower
// mixes patches of the whole image.)
// Throws InputError as token_grid(), and for a token outside 0..tokens-1.
PixelBox image_token_box(const ImageGeometry& geometry, int token);

// "No row was read from this state."
inline constexpr std::int64_t kNoRow = -1;

// role, position [row]: token_role and token_position of the rows of ONE
// sample. Returns [image token] the row that was read from the state AT that
// token, counted from the sample's first row, or kNoRow.
//
// A row belongs to the token it predicts: the row of position p was read from
// the states at p-1 (docs/format.md, section 3). So what the model would say at
// the image token of position p stands in the row of position p+1, and the row
// whose role is `image` and whose position is that of the first image token was
// read from the state before the image: it is no part of the map.
//
// What is missing: the row after the last image token belongs to the template
// (the end-of-image token) and exists only in a run with `--tokens all`. With
// `--tokens image` the last cell, at the bottom right, has kNoRow; without
// image rows every cell has. Give such cells the value NaN: they are drawn as
// "no value".
//
// Throws InputError where role and position differ in length, or where there
// are image rows but not image_tokens of them, at consecutive positions.
std::vector<std::int64_t> image_token_rows(
    std::span<const std::uint8_t> role, std::span<const std::int32_t> position,
    int image_tokens);

}  // namespace lens::analysis::figures
