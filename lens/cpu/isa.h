#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "lens/cpu/kernel.h"

namespace lens::readout::cpu {

// The kernels that this CPU and this system run, the fastest first; the last
// one reads float32 and runs everywhere. Asks the system for matrix tiles where
// the CPU has them.
const std::vector<const Kernel*>& kernels_here();

// The first of kernels_here() for rows of so many columns: of the bfloat16 ones
// where `bfloat16` asks for one and there is one, else of the float32 ones.
// `isa`, where it is not empty, names the best instruction set that may be
// used: LENS_ISA of the environment, for tests and measurements. Throws
// InputError where it is none of those that run here.
const Kernel& choose_kernel(bool bfloat16, std::int64_t hidden_size,
                            std::string_view isa);

}  // namespace lens::readout::cpu
