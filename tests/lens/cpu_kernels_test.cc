// The products that this machine may have no instructions for, by what these
// instructions do.

#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <random>
#include <vector>

#include "lens/cpu/bfloat16_pairs.h"
#include "lens/cpu/tile_product.h"

namespace lens::readout::cpu {
namespace {

float from_bfloat16(std::uint16_t value) {
  return std::bit_cast<float>(std::uint32_t{value} << 16);
}

float dot_of_pairs(std::uint32_t a, std::uint32_t b) {
  return from_bfloat16(static_cast<std::uint16_t>(a)) *
             from_bfloat16(static_cast<std::uint16_t>(b)) +
         from_bfloat16(static_cast<std::uint16_t>(a >> 16)) *
             from_bfloat16(static_cast<std::uint16_t>(b >> 16));
}

// Eight tiles of 16 rows of 64 bytes.
struct Tiles {
  using Tile = std::uint32_t[16][16];
  static inline Tile tile[8];

  template <int t>
  static void zero() {
    std::memset(tile[t], 0, sizeof(Tile));
  }
  template <int t>
  static void load(const void* from, std::int64_t bytes) {
    for (int row = 0; row < 16; ++row) {
      std::memcpy(tile[t][row], static_cast<const char*>(from) + row * bytes,
                  64);
    }
  }
  template <int c, int a, int b>
  static void add() {
    for (int row = 0; row < 16; ++row) {
      for (int column = 0; column < 16; ++column) {
        float sum = std::bit_cast<float>(tile[c][row][column]);
        for (int k = 0; k < 16; ++k) {
          sum += dot_of_pairs(tile[a][row][k], tile[b][k][column]);
        }
        tile[c][row][column] = std::bit_cast<std::uint32_t>(sum);
      }
    }
  }
  template <int t>
  static void store(void* to, std::int64_t bytes) {
    for (int row = 0; row < 16; ++row) {
      std::memcpy(static_cast<char*>(to) + row * bytes, tile[t][row], 64);
    }
  }
};

// vdpbf16ps in four lanes.
struct DotOfPairs {
  using Floats = Vectors<4>::Floats;
  static Floats add(Floats sum, Floats rows, std::int32_t weight) {
    for (int lane = 0; lane < 4; ++lane) {
      sum[lane] += dot_of_pairs(std::bit_cast<std::uint32_t>(rows[lane]),
                                static_cast<std::uint32_t>(weight));
    }
    return sum;
  }
};

// Random bfloat16 in [-1, 1) of a panel and of a group, and what their product
// is by definition.
struct Case {
  Case(int ids, int lanes, std::int64_t hidden_size)
      : weights(ids * hidden_size), rows(lanes * hidden_size) {
    std::mt19937 random(1);
    std::uniform_real_distribution<float> value(-1, 1);
    const auto fill = [&](auto& values) {
      for (auto& each : values) {
        each = static_cast<std::uint16_t>(
            std::bit_cast<std::uint32_t>(value(random)) >> 16);
      }
    };
    fill(weights);
    fill(rows);
    for (int id = 0; id < ids; ++id) {
      for (int lane = 0; lane < lanes; ++lane) {
        double sum = 0;
        for (std::int64_t k = 0; k < hidden_size; ++k) {
          const std::int64_t of_row = (k / 2 * lanes + lane) * 2 + k % 2;
          sum += double{from_bfloat16(weights[id * hidden_size + k])} *
                 from_bfloat16(rows[of_row]);
        }
        expected.push_back(static_cast<float>(sum));
      }
    }
  }

  std::vector<std::uint16_t> weights;  // [ids, hidden_size]
  std::vector<std::uint16_t> rows;     // [hidden_size / 2, lanes, 2]
  std::vector<float> expected;         // [ids, lanes]
};

TEST(TileProduct, IsTheProductOfPanelAndGroup) {
  const Case given(64, kTileRows, 96);
  std::vector<float> tile(given.expected.size(), -1);
  multiply_tiles<Tiles>(
      given.weights.data(), 96,
      reinterpret_cast<const std::uint32_t*>(given.rows.data()), 96, 64,
      tile.data());
  for (std::size_t i = 0; i < tile.size(); ++i) {
    ASSERT_NEAR(tile[i], given.expected[i], 1e-5) << i;
  }
}

TEST(PairColumns, ArePairsOfPanelAndGroup) {
  // Longer than what is added up in one go.
  using Kernel = VectorKernel<4, 2, 3, PairColumns<4, DotOfPairs>>;
  constexpr std::int64_t kHidden = 600;
  const Case given(9, Kernel::kLanes, kHidden);
  alignas(64) float rows[kHidden / 2 * Kernel::kLanes];
  static_assert(sizeof(rows) == kHidden * Kernel::kLanes * 2);
  std::memcpy(rows, given.rows.data(), sizeof(rows));
  alignas(64) float tile[9 * Kernel::kLanes];
  Kernel::multiply(given.weights.data(), kHidden, rows, kHidden, 9, tile);
  for (std::size_t i = 0; i < given.expected.size(); ++i) {
    ASSERT_NEAR(tile[i], given.expected[i], 2e-5) << i;
  }
}

}  // namespace
}  // namespace lens::readout::cpu
