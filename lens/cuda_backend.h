#pragma once

#include "lens/readout.h"

namespace lens::readout {

// Products by libtorch, a chunk of the vocabulary at a time, and a kernel that
// reduces each chunk as soon as it is there: for weights on a GPU. bfloat16
// products are added up in float32. Unchecked: fastest_backend() compares it
// with the reference before it gives it out. read() throws std::runtime_error
// where a kernel cannot be launched.
std::unique_ptr<Backend> cuda_backend(Head head, int top_k);

}  // namespace lens::readout
