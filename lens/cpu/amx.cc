#include <immintrin.h>

#include "lens/cpu/tile_product.h"
#include "lens/cpu/vector_kernel.h"

namespace lens::readout::cpu {
namespace {

// By the names of registers, as gcc's own intrinsics: those are macros and take
// no constant of a template.
struct Amx {
  template <int t>
  static void zero() {
    asm volatile("tilezero %%tmm%c0" : : "i"(t));
  }
  template <int t>
  static void load(const void* from, std::int64_t bytes) {
    asm volatile("tileloadd (%0,%1,1), %%tmm%c2"
                 :
                 : "r"(from), "r"(bytes), "i"(t)
                 : "memory");
  }
  template <int c, int a, int b>
  static void add() {
    asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0"
                 :
                 : "i"(c), "i"(a), "i"(b));
  }
  template <int t>
  static void store(void* to, std::int64_t bytes) {
    asm volatile("tilestored %%tmm%c2, (%0,%1,1)"
                 :
                 : "r"(to), "r"(bytes), "i"(t)
                 : "memory");
  }
};

// Palette 1; eight tiles of 16 rows of 64 bytes (Intel SDM, LDTILECFG).
struct alignas(64) TileConfig {
  std::uint8_t palette = 1;
  std::uint8_t start_row = 0;
  std::uint8_t reserved[14] = {};
  std::uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
static_assert(sizeof(TileConfig) == 64);

void multiply(const void* weights, std::int64_t stride, const void* rows,
              std::int64_t hidden_size, int ids, float* tile) {
  // Tiles are configured and given back here: the configuration is a thread's
  // own, other libraries use tiles as well, and a thread that keeps them makes
  // each change of threads dearer.
  static constexpr TileConfig kConfig;
  _tile_loadconfig(&kConfig);
  multiply_tiles<Amx>(static_cast<const std::uint16_t*>(weights), stride,
                      static_cast<const std::uint32_t*>(rows), hidden_size, ids,
                      tile);
  _tile_release();
}

constexpr Kernel kernel() {
  // Everything but the product is what AVX-512 has.
  Kernel kernel = VectorKernel<16, 2, 12, SingleColumns<16>>::kernel("amx");
  kernel.bfloat16 = true;
  kernel.id_step = kTileIds;
  kernel.depth_step = kTileColumns;
  kernel.multiply = multiply;
  return kernel;
}
static_assert(kernel().lanes == kTileRows);

}  // namespace

constexpr Kernel kAmx = kernel();

}  // namespace lens::readout::cpu
