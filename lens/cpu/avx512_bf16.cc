#include <immintrin.h>

#include "lens/cpu/bfloat16_pairs.h"

namespace lens::readout::cpu {
namespace {

struct DotOfPairs {
  static __m512 add(__m512 sum, __m512 rows, std::int32_t weight) {
    return _mm512_dpbf16_ps(
        sum, reinterpret_cast<__m512bh>(rows),
        reinterpret_cast<__m512bh>(_mm512_set1_epi32(weight)));
  }
};

}  // namespace

constexpr Kernel kAvx512Bf16 =
    VectorKernel<16, 2, 12, PairColumns<16, DotOfPairs>>::kernel("avx512-bf16");

}  // namespace lens::readout::cpu
