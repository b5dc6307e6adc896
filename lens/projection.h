#pragma once

#include <ATen/core/Tensor.h>

#include <memory>

namespace lens::readout {

// What stands between the states of the layers and the head.
class Projection {
 public:
  virtual ~Projection() = default;

  // States of layers on their way to the head.
  //
  //   states   [tokens, layers, hidden_size]  float32
  //   first    the number of the first of these states; the others follow it
  //   returns  [tokens, layers, hidden_size]  float32
  //
  // Never asked of state N, which the model's own head reads as it is.
  virtual at::Tensor apply(const at::Tensor& states, int first) const = 0;
};

// The model's own final norm for every layer: the plain logit lens.
//   weight  [hidden_size]
std::unique_ptr<const Projection> final_norm(at::Tensor weight, double eps);

// The rows that the head reads, in the dtype of the states: [T * S,
// hidden_size]. What the projection gives is rounded to it once, as the model
// rounds what its own head reads.
//   states  [T, S, hidden_size]  S - 1 is state N
at::Tensor head_rows(const Projection& projection, const at::Tensor& states);

// The logits of the targets alone, products in float32: [T * S].
//   rows     head_rows() of T tokens at S states
//   weight   [vocab, hidden_size]
//   targets  [T] int64
at::Tensor target_logits(const at::Tensor& rows, const at::Tensor& weight,
                         const at::Tensor& targets);

}  // namespace lens::readout
