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

// The rows that the head reads, float32: [T * S, hidden_size].
//   states  [T, S, hidden_size]  of any dtype; S - 1 is state N
at::Tensor head_rows(const Projection& projection, const at::Tensor& states);

}  // namespace lens::readout
