#pragma once

#include <cstdint>

#include "lens/row_sums.h"

namespace lens::readout {

// Classes of ids that one launch can tell apart.
inline constexpr int kMaxScripts = 32;

// What is known of one row after the chunks so far.
struct RowState {
  RowSums<double> sums;
  std::int64_t larger = 0;  // ids with a larger logit than the target's
};

// One chunk of the vocabulary, ids [begin, begin + length), for rows of whole
// tokens: row = token * states + state. All pointers are to device memory.
struct ChunkReduce {
  int device = 0;
  const float* logits = nullptr;         // [rows, length], 16-byte aligned
  std::int64_t rows = 0;                 // a multiple of states
  std::int64_t states = 0;               // of a token; the last one is state N
  std::int64_t begin = 0;                // of this chunk
  std::int64_t length = 0;               // of this chunk
  const std::int64_t* target = nullptr;  // [rows / states] ids
  const float* target_logit = nullptr;   // [rows]
  const std::uint8_t* script_class = nullptr;  // [vocab] each < scripts
  int scripts = 0;                             // <= kMaxScripts
  RowState* state = nullptr;                   // [rows]
  double* script = nullptr;  // [rows, scripts] sum of e^(z - max) by class
  // The largest logits so far and their ids, best first, the lower id first
  // where they tie. Null where the caller finds them himself.
  float* top_value = nullptr;      // [rows, top_k]
  std::int64_t* top_id = nullptr;  // [rows, top_k]
  int top_k = 0;                   // at most the length of the first chunk
};

// Merges the chunk into state and script. The chunk with begin = 0 comes first
// and overwrites what was there. Sums within a chunk are float32 over at most
// length / 256 terms and then a tree, sums over chunks float64; the order is
// fixed, so that equal input gives equal bits.
//
// stream: a cudaStream_t. Returns without waiting for the GPU: nullptr, or why
// the launch failed.
const char* launch_chunk_reduce(const ChunkReduce& args, void* stream);

}  // namespace lens::readout
