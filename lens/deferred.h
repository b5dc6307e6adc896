#pragma once

#include <cstdint>
#include <stdexcept>
#include <vector>

#include "engine/row_sink.h"
#include "lens/readout.h"
#include "table/token_rows.h"

namespace lens::readout {

// Captured rows and what the lens says of each, in the order of capture.
struct LensRows {
  std::vector<engine::CapturedRow> captured;
  // All columns but the role, which the lens does not know.
  table::TokenRows tokens;
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
    std::vector<int> kept_states;  // raw states stored in the column hidden
  };

  DeferredLens(Backend* backend, Options options);

  void take(const at::Tensor& states,
            std::span<const engine::CapturedRow> rows) override;

  // Reads what is left and gives all records in the order of capture. Throws
  // LensMismatch when state N of a row does not reproduce the logits that the
  // model chose its token by.
  LensRows finish();

 private:
  void flush();
  void start(const Readout& readout, std::int64_t hidden_size);
  void check(const Readout& readout, at::ScalarType dtype) const;

  Backend* backend_;
  Options options_;
  std::vector<at::Tensor> slab_;  // waiting, [rows, N + 1, hidden_size] each
  std::vector<engine::CapturedRow> waiting_;
  LensRows rows_;
};

}  // namespace lens::readout
