#pragma once

#include <cstdint>

namespace lens::readout::cpu {
namespace {  // NOLINT(google-build-namespaces): as in vector_kernel.h

// The product of a panel and a group in matrix tiles of 16 rows of 64 bytes:
// two of ids by two of rows are held at once. Weights are read as they lie in
// the checkpoint, and only rows are in pairs.
//
// Tiles has zero<t>(), load<t>(from, bytes from row to row), add<c, a, b>() for
// c += a b with pairs of bfloat16, store<t>(to, bytes).
constexpr int kTileIds = 32;
constexpr int kTileRows = 32;
constexpr int kTileColumns = 32;

template <typename Tiles>
void multiply_tiles(const std::uint16_t* weights, std::int64_t stride,
                    const std::uint32_t* rows, std::int64_t hidden_size,
                    int ids, float* tile) {
  constexpr int kHalf = 16;
  constexpr std::int64_t kRowBytes = kTileRows * sizeof(std::uint32_t);
  const std::int64_t weight_bytes =
      stride * static_cast<std::int64_t>(sizeof(std::uint16_t));
  for (int id = 0; id < ids; id += kTileIds) {
    Tiles::template zero<0>();
    Tiles::template zero<1>();
    Tiles::template zero<2>();
    Tiles::template zero<3>();
    const std::uint16_t* const upper = weights + id * stride;
    const std::uint16_t* const lower = upper + kHalf * stride;
    for (std::int64_t k = 0; k < hidden_size; k += kTileColumns) {
      const std::uint32_t* const pairs = rows + k / 2 * kTileRows;
      Tiles::template load<4>(upper + k, weight_bytes);
      Tiles::template load<6>(pairs, kRowBytes);
      Tiles::template load<7>(pairs + kHalf, kRowBytes);
      Tiles::template load<5>(lower + k, weight_bytes);
      Tiles::template add<0, 4, 6>();
      Tiles::template add<1, 4, 7>();
      Tiles::template add<2, 5, 6>();
      Tiles::template add<3, 5, 7>();
    }
    float* const to = tile + id * kTileRows;
    Tiles::template store<0>(to, kRowBytes);
    Tiles::template store<1>(to + kHalf, kRowBytes);
    Tiles::template store<2>(to + kHalf * kTileRows, kRowBytes);
    Tiles::template store<3>(to + kHalf * kTileRows + kHalf, kRowBytes);
  }
}

}  // namespace
}  // namespace lens::readout::cpu
