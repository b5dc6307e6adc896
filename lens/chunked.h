#pragma once

#include <functional>

#include "lens/chunk_reduce.h"
#include "lens/readout.h"

namespace lens::readout {

// Does what launch_chunk_reduce() promises, on the device of the weights: gives
// nullptr, or why it cannot.
using ChunkReducer = std::function<const char*(const ChunkReduce&)>;

// Who finds the top ids of a chunk: libtorch, or the reducer.
enum class TopBy { kLibrary, kReducer };

// Products by libtorch, a chunk of the vocabulary at a time, each reduced by
// `reduce` as soon as it is there. At most kMaxScripts classes. read() throws
// std::runtime_error when `reduce` cannot.
std::unique_ptr<Backend> chunked_backend(Head head, int top_k,
                                         ChunkReducer reduce,
                                         TopBy top_by = TopBy::kLibrary);

// With reduce_chunk_on_cpu(): the fastest on CPUs.
std::unique_ptr<Backend> cpu_backend(Head head, int top_k);

}  // namespace lens::readout
