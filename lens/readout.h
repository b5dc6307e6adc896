#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

#include "collective/collective.h"
#include "table/columns.h"
#include "table/token_rows.h"

namespace lens::readout {

// What turns a state into logits: the model's own final norm and head, or the
// part of the head that this process has.
struct Head {
  at::Tensor norm_weight;  // [hidden_size]
  double norm_eps = 1e-6;
  at::Tensor weight;  // [ids, hidden_size]
  // Class of every id, int64 on the weights' device: [ids].
  at::Tensor script_class;
  int scripts = 0;
  std::int64_t first_id = 0;  // of the first row of `weight`
  // Who have the other ids, in the order of their ranks; nullptr: this process
  // has all.
  std::shared_ptr<collective::Collective> ranks;
};

// The lens of T tokens at S states each: a tensor for each column of the list
// that says something of states (table::Column::of_states), float32 and int32
// as the list has it, on the CPU.
//
//   readout.get<"entropy">()  [T, S]
//   readout.get<"top_id">()   [T, S, k]
class Readout {
 public:
  template <table::ColumnName name>
  at::Tensor& get() {
    return column(checked<name>());
  }
  template <table::ColumnName name>
  const at::Tensor& get() const {
    return column(checked<name>());
  }

  // For who walks the list.
  at::Tensor& column(const table::Column& column) {
    return columns_[table::index_of(column)];
  }
  const at::Tensor& column(const table::Column& column) const {
    return columns_[table::index_of(column)];
  }

  // [T, S] of the logits; no column: what the model's own is compared with.
  at::Tensor logsumexp;

 private:
  template <table::ColumnName name>
  static constexpr const table::Column& checked() {
    constexpr const table::Column& column =
        table::kColumns[table::column_index<name>()];
    static_assert(column.of_states(), "not a column of states");
    return column;
  }

  std::array<at::Tensor, table::kColumnCount> columns_;  // by index_of()
};

// Adds the tokens of `readout` to the columns of states. Throws
// std::logic_error where a column is missing or has not the type and shape of
// the list: a backend is wrong then.
void append(const Readout& readout, table::TokenRows* rows);

// Reads states through the head. An implementation never holds the logits of
// all rows over the whole vocabulary at once.
//
// Where ranks have a part of the head each, all make their backends, and call
// read(), together and with the same states and targets. Each sweeps over its
// own ids; sums, counts and the best k of a row travel, never logits, and are
// put together in the order of the ranks: all of them get the same bits.
class Backend {
 public:
  virtual ~Backend() = default;

  // states   [T, S, hidden_size]  weights' dtype and device; state i < N is
  //                               normed here, state N = S-1 is normed already
  // targets  [T] int64            the predicted tokens
  //
  // A normed state is rounded once to the weights' dtype, as what the model's
  // own head reads; logits are its products added up in float32; softmax,
  // entropy and divergence follow in float32 with float64 sums, over the whole
  // vocabulary of the checkpoint.
  virtual Readout read(const at::Tensor& states, const at::Tensor& targets) = 0;

  // By what it reads, for a log: "avx2", "CUDA kernels".
  virtual std::string_view name() const = 0;
};

// Plain ATen, a chunk of the vocabulary at a time, on any device. The oracle of
// faster backends.
std::unique_ptr<Backend> reference_backend(Head head, int top_k);

// The fastest backend for the device of the weights. On a GPU it first reads a
// few rows with the kernels and with the reference; where they disagree or the
// kernels do not run, std::clog says so in a line and the reference is given.
std::unique_ptr<Backend> fastest_backend(Head head, int top_k);

}  // namespace lens::readout
