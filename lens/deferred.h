#pragma once

#include <cstdint>
#include <stdexcept>
#include <vector>

#include "engine/row_sink.h"
#include "lens/readout.h"

namespace lens::readout {

// The lens of one captured row; vectors run over states (and ranks, scripts).
struct Columns {
  std::vector<engine::CapturedRow> rows;
  int states = 0;
  int ranks = 0;
  int scripts = 0;
  std::vector<float> entropy;             // [row, state]
  std::vector<float> kl_final;            // [row, state]
  std::vector<float> target_logprob;      // [row, state]
  std::vector<std::int32_t> target_rank;  // [row, state]
  std::vector<std::int32_t> top_id;       // [row, state, rank]
  std::vector<float> top_logprob;         // [row, state, rank]
  std::vector<float> script_share;        // [row, state, script]
  std::vector<float> hidden;              // [row, kept state, hidden_size]
};

// The lens of state N is not what the model's own head said.
class LensMismatch : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Collects captured rows and reads them through the lens when enough are there:
// a head is read from memory once for many rows instead of once for each.
class DeferredLens : public engine::RowSink {
 public:
  struct Options {
    // Tokens read together. Bounds the slab: tokens x states x hidden_size.
    std::int64_t flush_tokens = 128;
    std::vector<int> kept_states;  // raw states stored in Columns::hidden
  };

  DeferredLens(Backend* backend, Options options);

  void take(const at::Tensor& states,
            std::span<const engine::CapturedRow> rows) override;

  // Reads what is left and gives all records in the order of capture. Throws
  // LensMismatch when state N of a row does not reproduce the logits that the
  // model chose its token by.
  Columns finish();

 private:
  void flush();
  void check(const Readout& readout, at::ScalarType dtype) const;

  Backend* backend_;
  Options options_;
  std::vector<at::Tensor> slab_;  // waiting, [rows, N + 1, hidden_size] each
  std::vector<engine::CapturedRow> waiting_;
  Columns columns_;
};

}  // namespace lens::readout
