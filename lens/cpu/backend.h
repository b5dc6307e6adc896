#pragma once

#include <memory>

#include "lens/cpu/kernel.h"
#include "lens/readout.h"

namespace lens::readout::cpu {

// Products and their reduction in one go, a few ids and a few rows at a time in
// the caches: memory for the rows and for some hundred kilobytes a thread, none
// for logits. Works on the threads of libtorch; any number of them gives equal
// bits, and a token's values do not depend on the tokens beside it. At most
// kMaxScripts classes.
std::unique_ptr<Backend> backend(Head head, int top_k, const Kernel& kernel);

// With the fastest kernel that runs here, or as LENS_ISA says (isa.h).
std::unique_ptr<Backend> best_backend(Head head, int top_k);

}  // namespace lens::readout::cpu
