#include "analysis/figures/image_grid.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/error.h"

namespace lens::analysis::figures {
namespace {

constexpr std::uint8_t kImageRole = 1;  // token_role, docs/format.md
constexpr int kMerge = 2;               // patches a token is wide and high

}  // namespace

TokenGrid token_grid(const ImageGeometry& geometry) {
  if (geometry.image_height <= 0 || geometry.image_width <= 0 ||
      geometry.grid_height <= 0 || geometry.grid_width <= 0 ||
      geometry.grid_height % kMerge != 0 || geometry.grid_width % kMerge != 0) {
    throw InputError(
        "cannot lay image tokens over the picture",
        fmt::format("a grid of {} x {} patches over {} x {} pixels",
                    geometry.grid_height, geometry.grid_width,
                    geometry.image_height, geometry.image_width),
        "sizes are positive and the grid is even");
  }
  return {geometry.grid_height / kMerge, geometry.grid_width / kMerge};
}

PixelBox image_token_box(const ImageGeometry& geometry, int token) {
  const TokenGrid grid = token_grid(geometry);
  if (token < 0 || token >= grid.tokens()) {
    throw InputError("cannot find an image token in the picture",
                     fmt::format("token {} of {}", token, grid.tokens()));
  }
  // 28 pixels of the resized picture; its sides are whole numbers of these, so
  // that the 28 cancels.
  const double width = static_cast<double>(geometry.image_width) / grid.columns;
  const double height = static_cast<double>(geometry.image_height) / grid.rows;
  return {token % grid.columns * width, token / grid.columns * height, width,
          height};
}

std::vector<std::int64_t> image_token_rows(
    std::span<const std::uint8_t> role, std::span<const std::int32_t> position,
    int image_tokens) {
  if (role.size() != position.size()) {
    throw InputError(
        "cannot find the rows of the image tokens",
        fmt::format("{} roles, {} positions", role.size(), position.size()));
  }
  std::map<std::int32_t, std::int64_t> row_at;
  std::vector<std::int32_t> image;
  for (std::size_t row = 0; row < role.size(); ++row) {
    row_at.emplace(position[row], static_cast<std::int64_t>(row));
    if (role[row] == kImageRole) image.push_back(position[row]);
  }
  const auto wanted = static_cast<std::size_t>(std::max(image_tokens, 0));
  std::vector<std::int64_t> rows(wanted, kNoRow);
  if (image.empty()) return rows;
  std::sort(image.begin(), image.end());
  const bool consecutive =
      image.back() - image.front() + 1 == static_cast<std::int64_t>(wanted);
  if (image.size() != wanted || !consecutive) {
    throw InputError(
        "cannot find the rows of the image tokens",
        fmt::format("{} rows of the role image at positions {} to {}, for {} "
                    "image tokens",
                    image.size(), image.front(), image.back(), image_tokens),
        "one image in a sample is what can be drawn");
  }
  for (std::size_t token = 0; token < wanted; ++token) {
    const auto found = row_at.find(image[token] + 1);
    if (found != row_at.end()) rows[token] = found->second;
  }
  return rows;
}

}  // namespace lens::analysis::figures
