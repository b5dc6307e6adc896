#pragma once

#include <cstdint>

// Kernels of the engine, without torch. All pointers are to device memory, all
// rows contiguous unless a stride is given; `stream` is a cudaStream_t. They
// return without waiting for the GPU: nullptr, or why the launch failed. What
// is computed in float32 is rounded once to the dtype unless said otherwise.
namespace lens::model::cuda {

// Before a launch on another device than this thread's last.
const char* use_device(int index);

enum class Dtype { kFloat32, kBfloat16 };

// y = weight * (x / root mean square of the row): [rows, width].
struct RmsNorm {
  Dtype dtype;
  const void* x = nullptr;
  const void* weight = nullptr;  // [width]
  void* y = nullptr;
  std::int64_t rows = 0;
  std::int64_t width = 0;
  float eps = 0;
};
const char* launch(const RmsNorm& args, void* stream);

// x * cos + rotate_half(x) * sin of some heads of a token, [tokens, heads,
// head_dim]; tokens of x lie x_stride values apart, those of y y_stride, and
// token t of y is row y_rows[t] where y_rows is given.
struct Rotate {
  Dtype dtype;
  const void* x = nullptr;
  std::int64_t x_stride = 0;
  const float* cos = nullptr;  // [tokens, head_dim]
  const float* sin = nullptr;  // [tokens, head_dim]
  void* y = nullptr;
  std::int64_t y_stride = 0;
  const std::int32_t* y_rows = nullptr;  // [tokens]
  std::int64_t tokens = 0;
  int heads = 0;
  int head_dim = 0;  // even
};
const char* launch(const Rotate& args, void* stream);

// Rows of x, [rows, width], to the rows y_rows of y.
struct Scatter {
  Dtype dtype;
  const void* x = nullptr;
  void* y = nullptr;
  const std::int32_t* y_rows = nullptr;  // [rows]
  std::int64_t rows = 0;
  std::int64_t width = 0;
};
const char* launch(const Scatter& args, void* stream);

enum class Gate {
  kSwiglu,     // silu(a) * b; silu(a) is rounded, too, as transformers does
  kQuickGelu,  // a * sigmoid(1.702 a), each step rounded; b is not looked at
};

struct Gated {
  Dtype dtype;
  Gate gate;
  const void* a = nullptr;
  const void* b = nullptr;
  void* y = nullptr;
  std::int64_t count = 0;
};
const char* launch(const Gated& args, void* stream);

}  // namespace lens::model::cuda
