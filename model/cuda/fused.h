#pragma once

#include <ATen/core/Tensor.h>

// Steps of a model that one kernel each does on a GPU, instead of a handful.
// Their values are those of the plain operations up to the order of a row's
// sum. All throw std::runtime_error where a kernel cannot be launched.
namespace lens::model::cuda {

// Whether the functions below take this tensor: on a GPU, float32 or bfloat16,
// and the program has its kernels. Where not, they must not be called.
bool fuses(const at::Tensor& x);

// The stream (a cudaStream_t) that libtorch computes on.
void* current_stream(at::Device device);

// [..., width]
at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps);

// x [tokens, heads, head_dim], heads of a token one after another; cos and sin
// [tokens, head_dim] float32. Gives a tensor of x's shape.
at::Tensor rotate(const at::Tensor& x, const at::Tensor& cos,
                  const at::Tensor& sin);

// The same into `rows` (int32 [tokens]) of `table` [rows, heads, head_dim].
void rotate_into(const at::Tensor& x, const at::Tensor& cos,
                 const at::Tensor& sin, const at::Tensor& rows,
                 const at::Tensor& table);

// x [tokens, ...] into `rows` (int32 [tokens]) of `table` [rows, ...].
void scatter_into(const at::Tensor& x, const at::Tensor& rows,
                  const at::Tensor& table);

at::Tensor swiglu(const at::Tensor& gate, const at::Tensor& up);
at::Tensor quick_gelu(const at::Tensor& x);

// Attention of packed sequences, without a mask: bfloat16 on a GPU.
//
//   q          [queries, heads, head_dim]  sequences one after another
//   keys       [rows, kv_heads, head_dim]  and values alike
//   q_begins   int32 [sequences + 1]  where each begins in q, and the end
//   k_begins   int32 [sequences + 1]  where each begins in keys
//   k_lengths  int32 [sequences]      keys of each; undefined: all up to the
//                                     beginning of the next
//   causal     the last query sees all keys of its sequence, those before it
//              one less each
//   returns    [queries, heads, head_dim]
struct PackedAttention {
  at::Tensor q_begins;
  at::Tensor k_begins;
  at::Tensor k_lengths;
  std::int64_t longest_q = 0;
  std::int64_t longest_k = 0;
  bool causal = false;

  // Whether it serves tensors like these; where not, there is no attend().
  static bool takes(const at::TensorOptions& options, std::int64_t head_dim);

  at::Tensor attend(const at::Tensor& q, const at::Tensor& keys,
                    const at::Tensor& values) const;
};

}  // namespace lens::model::cuda
