#pragma once

#include <functional>

#include "lens/chunk_reduce.h"
#include "lens/readout.h"

namespace lens::readout {

// Merges a chunk into what ChunkReduce points at.
using ChunkReducer = std::function<void(const ChunkReduce&)>;

// Products by libtorch, a chunk of the vocabulary at a time, each reduced by
// `reduce` as soon as it is there: on the CPU. At most kMaxScripts classes.
std::unique_ptr<Backend> chunked_backend(Head head, int top_k,
                                         ChunkReducer reduce);

// With reduce_chunk_on_cpu(): the fastest on CPUs.
std::unique_ptr<Backend> cpu_backend(Head head, int top_k);

}  // namespace lens::readout
