#pragma once

#include <cstdint>

#include "lens/limits.h"

// The sweep over the vocabulary on a GPU, without torch: sums, ranks and top
// lists of rows of logits, a chunk of ids at a time. All pointers are to device
// memory; `stream` is a cudaStream_t. The functions return without waiting for
// the GPU: nullptr, or why the launch failed.
namespace lens::readout {

// Places of a top list: one a lane of a warp.
inline constexpr int kMaxTopOnGpu = 32;
// Parts of a chunk that are reduced side by side.
inline constexpr int kMaxSplits = 16;

// What is known of one row after the chunks so far. Exponents are binary: z is
// a logit times log2(e), `ref` is at least the largest z up to rounding.
struct SweepState {
  float ref = 0;
  float final_ref = 0;      // of the row z_N of the same token's last state
  double sum = 0;           // 2^(z - ref)
  double weighted = 0;      // 2^(z - ref) (z - ref)
  double squared = 0;       // 2^(z - ref) (z - ref)^2
  double final_sum = 0;     // 2^(z_N - final_ref)
  double final_dot = 0;     // 2^(z_N - final_ref) (z - ref)
  std::int64_t larger = 0;  // ids with a larger logit than the target's
};

// Rows of whole tokens: row = token * states + state.
struct Sweep {
  int device = 0;
  std::int64_t rows = 0;    // a multiple of states
  std::int64_t states = 0;  // of a token; the last one is state N
  int scripts = 0;          // <= kMaxScripts
  int top_k = 0;            // <= kMaxTopOnGpu; 0: no top lists
  int splits = 1;           // <= kMaxSplits; sweep_splits() gives a good number
  std::int32_t first_id = 0;                   // of the logits that are read
  const std::int64_t* target = nullptr;        // [rows / states] from first_id
  const float* target_logit = nullptr;         // [rows]
  const std::uint8_t* script_class = nullptr;  // [ids] each < scripts
  // Between chunks; the first one overwrites what was there.
  SweepState* state = nullptr;     // [splits, rows]
  double* script = nullptr;        // [splits, rows, scripts]
  float* top_value = nullptr;      // [splits, rows, top_k]
  std::int32_t* top_id = nullptr;  // [splits, rows, top_k]
};

// Takes in the ids [begin, begin + length), counted from first_id; chunks come
// in order.
//   logits  [rows, length], 16-byte aligned
// Sums within a chunk are float32 over at most length / 32 terms and then a
// tree, sums over chunks float64. The order is fixed, so that equal input gives
// equal bits.
const char* sweep_chunk(const Sweep& sweep, const float* logits,
                        std::int64_t begin, std::int64_t length, void* stream);

// What the sums mean, as in Readout: float32 and int32.
struct SweepResult {
  float* entropy = nullptr;  // [rows] this and the next five
  float* varentropy = nullptr;
  float* kl_final = nullptr;
  float* target_logprob = nullptr;
  float* logsumexp = nullptr;
  std::int32_t* target_rank = nullptr;
  float* script_share = nullptr;   // [rows, scripts]
  float* top_logprob = nullptr;    // [rows, top_k]
  std::int32_t* top_id = nullptr;  // [rows, top_k] best first
};
// Splits may be more here: those that several processes have made of their ids,
// which follow one another.
const char* sweep_finish(const Sweep& sweep, const SweepResult& result,
                         void* stream);

// So many parts of a chunk keep a GPU busy.
int sweep_splits(std::int64_t rows, std::int64_t states);

}  // namespace lens::readout
