#include "lens/cpu/vector_kernel.h"

namespace lens::readout::cpu {

// Of 32 registers 24 hold sums, 2 rows; weights come from memory.
constexpr Kernel kAvx512 =
    VectorKernel<16, 2, 12, SingleColumns<16>>::kernel("avx512");

}  // namespace lens::readout::cpu
