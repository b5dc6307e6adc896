#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include "model/cuda/kernels.h"

namespace lens::model::cuda {
namespace {

constexpr int kWarp = 32;
constexpr unsigned kAll = 0xffffffffu;

__device__ float to_float(float value) { return value; }
__device__ float to_float(__nv_bfloat16 value) {
  return __bfloat162float(value);
}

template <typename T>
__device__ T round_to(float value);
template <>
__device__ float round_to<float>(float value) {
  return value;
}
template <>
__device__ __nv_bfloat16 round_to<__nv_bfloat16>(float value) {
  return __float2bfloat16_rn(value);
}

// Neighbours that are loaded and stored as one word of 8 or 16 bytes.
constexpr int kPack = 4;
template <typename T>
struct alignas(sizeof(T) * kPack) Pack {
  T value[kPack];
};

__device__ float sum_of_block(float value, float* scratch) {
  for (int offset = kWarp / 2; offset > 0; offset /= 2) {
    value += __shfl_xor_sync(kAll, value, offset);
  }
  const int warps = static_cast<int>(blockDim.x) / kWarp;
  if (threadIdx.x % kWarp == 0) scratch[threadIdx.x / kWarp] = value;
  __syncthreads();
  // Every thread adds the warps' sums in one order, and so has the same total.
  float total = 0;
  for (int warp = 0; warp < warps; ++warp) total += scratch[warp];
  return total;
}

// One block a row; the row is read twice, the second time from a cache.
template <typename T>
__global__ void rms_norm(RmsNorm args) {
  __shared__ float scratch[kWarp];
  // launch() has refused rows that are not whole packs.
  const auto packs = static_cast<int>(args.width) / kPack;
  const std::int64_t first = blockIdx.x * args.width;
  const auto* x =
      reinterpret_cast<const Pack<T>*>(static_cast<const T*>(args.x) + first);
  auto* y = reinterpret_cast<Pack<T>*>(static_cast<T*>(args.y) + first);
  const auto* weight = static_cast<const Pack<T>*>(args.weight);
  float squares = 0;
  for (int i = threadIdx.x; i < packs; i += blockDim.x) {
    const Pack<T> pack = x[i];
#pragma unroll
    for (int k = 0; k < kPack; ++k) {
      const float value = to_float(pack.value[k]);
      squares += value * value;
    }
  }
  const float mean =
      sum_of_block(squares, scratch) / static_cast<float>(args.width);
  const float scale = rsqrtf(mean + args.eps);
  for (int i = threadIdx.x; i < packs; i += blockDim.x) {
    const Pack<T> pack = x[i];
    const Pack<T> by = weight[i];
    Pack<T> out;
#pragma unroll
    for (int k = 0; k < kPack; ++k) {
      out.value[k] = round_to<T>(to_float(by.value[k]) *
                                 (to_float(pack.value[k]) * scale));
    }
    y[i] = out;
  }
}

// A thread turns one pair of values.
template <typename T>
__global__ void rotate(Rotate args) {
  const int half = args.head_dim / 2;
  const std::int64_t pairs = args.tokens * args.heads * half;
  const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x;
  for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
       i < pairs; i += step) {
    const auto j = static_cast<int>(i % half);
    const auto head = static_cast<int>(i / half % args.heads);
    const std::int64_t token = i / half / args.heads;
    const T* x = static_cast<const T*>(args.x) + token * args.x_stride +
                 head * args.head_dim;
    const std::int64_t row = args.y_rows ? args.y_rows[token] : token;
    T* y = static_cast<T*>(args.y) + row * args.y_stride + head * args.head_dim;
    const float* cos = args.cos + token * args.head_dim;
    const float* sin = args.sin + token * args.head_dim;
    const float first = to_float(x[j]);
    const float second = to_float(x[j + half]);
    // No fused multiply-add: two products, then their sum, as the CPU does.
    y[j] = round_to<T>(
        __fadd_rn(__fmul_rn(first, cos[j]), __fmul_rn(-second, sin[j])));
    y[j + half] = round_to<T>(__fadd_rn(__fmul_rn(second, cos[j + half]),
                                        __fmul_rn(first, sin[j + half])));
  }
}

template <typename T>
__global__ void scatter(Scatter args) {
  const auto packs = static_cast<int>(args.width) / kPack;
  const auto* x =
      static_cast<const Pack<T>*>(args.x) + std::int64_t{blockIdx.x} * packs;
  auto* y = static_cast<Pack<T>*>(args.y) +
            std::int64_t{args.y_rows[blockIdx.x]} * packs;
  for (int i = threadIdx.x; i < packs; i += blockDim.x) y[i] = x[i];
}

template <typename T>
__device__ T gated(Gate gate, T a, T b) {
  const float x = to_float(a);
  // Rounded wherever transformers' separate operations round.
  if (gate == Gate::kSwiglu) {
    const T silu = round_to<T>(x / (1.0f + expf(-x)));
    return round_to<T>(to_float(silu) * to_float(b));
  }
  const float scaled = to_float(round_to<T>(1.702f * x));
  const float sigmoid = to_float(round_to<T>(1.0f / (1.0f + expf(-scaled))));
  return round_to<T>(x * sigmoid);
}

template <typename T>
__global__ void gate_all(Gated args) {
  const std::int64_t packs = args.count / kPack;
  const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x;
  const auto* a = static_cast<const Pack<T>*>(args.a);
  const auto* b = static_cast<const Pack<T>*>(args.b);
  auto* y = static_cast<Pack<T>*>(args.y);
  for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
       i < packs; i += step) {
    const Pack<T> left = a[i];
    const Pack<T> right = b ? b[i] : left;
    Pack<T> out;
#pragma unroll
    for (int k = 0; k < kPack; ++k) {
      out.value[k] = gated(args.gate, left.value[k], right.value[k]);
    }
    y[i] = out;
  }
}

constexpr int kThreads = 256;
// 16 for each multiprocessor of an H100 or H200; what is more is looped over.
constexpr std::int64_t kMostBlocks = 132 * 16;

unsigned blocks_for(std::int64_t items) {
  const std::int64_t blocks = (items + kThreads - 1) / kThreads;
  return static_cast<unsigned>(blocks < kMostBlocks ? blocks : kMostBlocks);
}

// A launch returns nothing: what was wrong with it stands here alone.
const char* launched() {
  const cudaError_t error = cudaGetLastError();
  return error == cudaSuccess ? nullptr : cudaGetErrorString(error);
}

}  // namespace

const char* use_device(int index) {
  const cudaError_t error = cudaSetDevice(index);
  return error == cudaSuccess ? nullptr : cudaGetErrorString(error);
}

const char* launch(const RmsNorm& args, void* stream) {
  if (args.width % kPack != 0) return "rows must be multiples of 4 wide";
  if (args.rows == 0) return nullptr;
  const auto blocks = static_cast<unsigned>(args.rows);
  const auto on = static_cast<cudaStream_t>(stream);
  if (args.dtype == Dtype::kBfloat16) {
    rms_norm<__nv_bfloat16><<<blocks, kThreads, 0, on>>>(args);
  } else {
    rms_norm<float><<<blocks, kThreads, 0, on>>>(args);
  }
  return launched();
}

const char* launch(const Rotate& args, void* stream) {
  const std::int64_t pairs = args.tokens * args.heads * (args.head_dim / 2);
  if (pairs == 0) return nullptr;
  const auto on = static_cast<cudaStream_t>(stream);
  if (args.dtype == Dtype::kBfloat16) {
    rotate<__nv_bfloat16><<<blocks_for(pairs), kThreads, 0, on>>>(args);
  } else {
    rotate<float><<<blocks_for(pairs), kThreads, 0, on>>>(args);
  }
  return launched();
}

const char* launch(const Scatter& args, void* stream) {
  if (args.width % kPack != 0) return "rows must be multiples of 4 wide";
  if (args.rows == 0) return nullptr;
  const auto blocks = static_cast<unsigned>(args.rows);
  const auto on = static_cast<cudaStream_t>(stream);
  if (args.dtype == Dtype::kBfloat16) {
    scatter<__nv_bfloat16><<<blocks, kWarp * 4, 0, on>>>(args);
  } else {
    scatter<float><<<blocks, kWarp * 4, 0, on>>>(args);
  }
  return launched();
}

const char* launch(const Gated& args, void* stream) {
  if (args.count % kPack != 0) return "values must come in fours";
  if (args.count == 0) return nullptr;
  const unsigned blocks = blocks_for(args.count / kPack);
  const auto on = static_cast<cudaStream_t>(stream);
  if (args.dtype == Dtype::kBfloat16) {
    gate_all<__nv_bfloat16><<<blocks, kThreads, 0, on>>>(args);
  } else {
    gate_all<float><<<blocks, kThreads, 0, on>>>(args);
  }
  return launched();
}

}  // namespace lens::model::cuda
