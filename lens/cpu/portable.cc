#include "lens/cpu/vector_kernel.h"

namespace lens::readout::cpu {

// For any CPU: four lanes, eight registers of sums.
constexpr Kernel kPortable =
    VectorKernel<4, 2, 4, SingleColumns<4>>::kernel("portable");

}  // namespace lens::readout::cpu
