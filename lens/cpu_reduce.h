#pragma once

#include "lens/chunk_reduce.h"

namespace lens::readout {

// Does on the CPU what launch_chunk_reduce() does on a GPU, and keeps the top
// list as well (args.top_value is given). Reads each logit from memory twice
// and writes nothing of the chunk's size. Works on the threads of libtorch, a
// token at a time; the order of all sums is fixed by the chunk alone, so that
// any number of threads gives equal bits. Never fails: nullptr.
const char* reduce_chunk_on_cpu(const ChunkReduce& args);

}  // namespace lens::readout
