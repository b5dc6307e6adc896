#include "lens/cpu/vector_kernel.h"

namespace lens::readout::cpu {

// Of 16 registers 12 hold sums, 2 rows and 1 a weight.
constexpr Kernel kAvx2 =
    VectorKernel<8, 2, 6, SingleColumns<8>>::kernel("avx2");

}  // namespace lens::readout::cpu
