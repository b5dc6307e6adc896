#pragma once

#include "lens/chunk_reduce.h"

namespace lens::readout {

// Merges the chunk into state, script and top list. Reads each logit from
// memory twice and writes nothing of the chunk's size. Works on the threads of
// libtorch, a token at a time; sums within a block of ids are float32, over
// blocks float64, in an order that the chunk alone fixes, so that any number of
// threads gives equal bits.
void reduce_chunk_on_cpu(const ChunkReduce& args);

}  // namespace lens::readout
