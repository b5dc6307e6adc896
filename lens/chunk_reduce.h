#pragma once

#include <cstdint>

#include "lens/limits.h"
#include "lens/row_sums.h"

namespace lens::readout {

// What is known of one row after the chunks so far.
struct RowState {
  RowSums<double> sums;
  std::int64_t larger = 0;  // ids with a larger logit than the target's
};

// One chunk of the vocabulary, ids [begin, begin + length), for rows of whole
// tokens: row = token * states + state. The chunk with begin = 0 comes first
// and overwrites what was there.
struct ChunkReduce {
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
  // where they tie.
  float* top_value = nullptr;      // [rows, top_k]
  std::int64_t* top_id = nullptr;  // [rows, top_k]
  int top_k = 0;                   // at most the length of the first chunk
};

}  // namespace lens::readout
