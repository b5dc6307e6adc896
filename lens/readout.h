#pragma once

#include <ATen/core/Tensor.h>

#include <memory>

namespace lens::readout {

// What turns a state into logits: the model's own final norm and head.
struct Head {
  at::Tensor norm_weight;  // [hidden_size]
  double norm_eps = 1e-6;
  at::Tensor weight;  // [vocab, hidden_size]
  // Class of every id, int64 on the weights' device: [vocab].
  at::Tensor script_class;
  int scripts = 0;
};

// The lens of T tokens at S states each; float32 and int32, on the CPU.
struct Readout {
  at::Tensor entropy;         // [T, S] nats
  at::Tensor kl_final;        // [T, S] nats: KL(state N || state), N = S - 1
  at::Tensor target_logprob;  // [T, S] nats
  at::Tensor target_rank;     // [T, S] 1 + number of ids with a larger logit
  at::Tensor logsumexp;       // [T, S]
  at::Tensor top_id;          // [T, S, k] best first
  at::Tensor top_logprob;     // [T, S, k] nats
  at::Tensor script_share;    // [T, S, scripts] probability mass, sums to 1
};

// Reads states through the head. An implementation never holds the logits of
// all rows over the whole vocabulary at once.
class Backend {
 public:
  virtual ~Backend() = default;

  // states   [T, S, hidden_size]  weights' dtype and device; state i < N is
  //                               normed here, state N = S-1 is normed already
  // targets  [T] int64            the predicted tokens
  //
  // Logits are products in float32 of the values as stored; softmax, entropy
  // and divergence follow in float32 with float64 sums, over the whole
  // vocabulary of the checkpoint.
  virtual Readout read(const at::Tensor& states, const at::Tensor& targets) = 0;
};

// Plain ATen, a chunk of the vocabulary at a time, on any device. The oracle of
// faster backends.
std::unique_ptr<Backend> reference_backend(Head head, int top_k);

// The fastest backend for the device of the weights. On a GPU it first reads a
// few rows with the kernels and with the reference; where they disagree or the
// kernels do not run, std::clog says so in a line and the reference is given.
std::unique_ptr<Backend> fastest_backend(Head head, int top_k);

}  // namespace lens::readout
