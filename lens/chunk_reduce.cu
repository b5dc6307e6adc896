#include <cuda_runtime.h>

#include "lens/chunk_reduce.h"

namespace lens::readout {
namespace {

constexpr int kThreads = 256;
constexpr int kWarp = 32;
constexpr int kWarps = kThreads / kWarp;
constexpr unsigned kAll = 0xffffffffu;

// What one thread has seen of a row's chunk.
struct Part {
  RowSums<float> sums;
  int larger = 0;
};

__device__ Part shuffle_down(const Part& part, int offset) {
  const auto from = [offset](auto value) {
    return __shfl_down_sync(kAll, value, offset);
  };
  Part other;
  other.sums.max = from(part.sums.max);
  other.sums.sum = from(part.sums.sum);
  other.sums.weighted = from(part.sums.weighted);
  other.sums.squared = from(part.sums.squared);
  other.sums.final_max = from(part.sums.final_max);
  other.sums.final_sum = from(part.sums.final_sum);
  other.sums.final_dot = from(part.sums.final_dot);
  other.larger = from(part.larger);
  return other;
}

// Afterwards lane 0 has what lanes [0, lanes) had; lanes is a power of two and
// all lanes of the warp take part.
__device__ void merge_lanes(Part* part, int lanes) {
  for (int offset = lanes / 2; offset > 0; offset /= 2) {
    const Part other = shuffle_down(*part, offset);
    part->sums.merge(other.sums);
    part->larger += other.larger;
  }
}

__device__ float sum_of_lanes(float value) {
  for (int offset = kWarp / 2; offset > 0; offset /= 2) {
    value += __shfl_down_sync(kAll, value, offset);
  }
  return value;
}

// The view of one thread on its row: takes ids in, one after the other.
class Taker {
 public:
  // mass: column of this thread, [scripts, kThreads]
  __device__ Taker(const ChunkReduce& args, std::int64_t row, float* mass)
      : script_class_(args.script_class + args.begin),
        scripts_(args.scripts),
        target_(args.target[row / args.states] - args.begin),
        target_logit_(args.target_logit[row]),
        mass_(mass) {
    for (int c = 0; c < scripts_; ++c) mass_[c * kThreads] = 0;
  }

  __device__ void take(std::int64_t index, float z, float z_final) {
    const float before = part_.sums.max;
    const float mass = part_.sums.take(z, z_final);
    if (part_.sums.max != before) scale(shrink<float>(before, part_.sums.max));
    mass_[script_class_[index] * kThreads] += mass;
    // The target itself never counts, however its two products round.
    part_.larger += z > target_logit_ && index != target_;
  }

  __device__ void scale(float factor) {
    for (int c = 0; c < scripts_; ++c) mass_[c * kThreads] *= factor;
  }

  __device__ const Part& part() const { return part_; }

 private:
  const std::uint8_t* script_class_;
  int scripts_;
  std::int64_t target_;
  float target_logit_;
  float* mass_;
  Part part_;
};

__device__ void take_row(const ChunkReduce& args, std::int64_t row,
                         Taker* taker) {
  const std::int64_t last = (row / args.states + 1) * args.states - 1;
  const float* own = args.logits + row * args.length;
  const float* final_row = args.logits + last * args.length;
  // Rows begin on 16 bytes when all of them are multiples of that long.
  const std::int64_t fours = args.length % 4 == 0 ? args.length / 4 : 0;
  for (std::int64_t i = threadIdx.x; i < fours; i += kThreads) {
    const float4 z = reinterpret_cast<const float4*>(own)[i];
    const float4 f = reinterpret_cast<const float4*>(final_row)[i];
    taker->take(4 * i, z.x, f.x);
    taker->take(4 * i + 1, z.y, f.y);
    taker->take(4 * i + 2, z.z, f.z);
    taker->take(4 * i + 3, z.w, f.w);
  }
  for (std::int64_t i = 4 * fours + threadIdx.x; i < args.length;
       i += kThreads) {
    taker->take(i, own[i], final_row[i]);
  }
}

// How the chunk's maximum stands to the running one of its row.
struct Scales {
  float chunk_max;
  double before;  // factor of what was summed before this chunk
  double chunk;   // factor of this chunk's sums
};

// By one thread: the chunk's part goes into the row's state.
__device__ Scales update(const ChunkReduce& args, std::int64_t row,
                         const Part& part) {
  RowState state;
  if (args.begin > 0) state = args.state[row];
  const float before = state.sums.max;
  state.sums.merge(part.sums);
  state.larger += part.larger;
  args.state[row] = state;
  return {part.sums.max, shrink<double>(before, state.sums.max),
          shrink<double>(part.sums.max, state.sums.max)};
}

// One block per row. The row of state N is read again by every state of its
// token, from the L2 cache: cheaper than a second kernel and its buffer, and no
// block waits for another.
__global__ void __launch_bounds__(kThreads) reduce_rows(ChunkReduce args) {
  extern __shared__ float mass[];  // [scripts, kThreads]
  __shared__ Scales scales;
  // Bytes: a shared variable has no constructor.
  __shared__ alignas(Part) unsigned char part_bytes[kWarps * sizeof(Part)];
  Part* parts = reinterpret_cast<Part*>(part_bytes);
  const std::int64_t row = blockIdx.x;
  const int lane = threadIdx.x % kWarp;
  const int warp = threadIdx.x / kWarp;

  Taker taker(args, row, mass + threadIdx.x);
  take_row(args, row, &taker);

  Part part = taker.part();
  merge_lanes(&part, kWarp);
  if (lane == 0) parts[warp] = part;
  __syncthreads();
  if (warp == 0) {
    part = lane < kWarps ? parts[lane] : Part();
    merge_lanes(&part, kWarps);
    if (lane == 0) scales = update(args, row, part);
  }
  __syncthreads();

  // Masses by class: each column refers to its own thread's maximum until here.
  taker.scale(shrink<float>(taker.part().sums.max, scales.chunk_max));
  __syncthreads();
  for (int c = warp; c < args.scripts; c += kWarps) {
    float total = 0;
    for (int i = lane; i < kThreads; i += kWarp) {
      total += mass[c * kThreads + i];
    }
    total = sum_of_lanes(total);
    if (lane == 0) {
      double* script = args.script + row * args.scripts + c;
      const double before = args.begin > 0 ? *script * scales.before : 0;
      *script = before + total * scales.chunk;
    }
  }
}

}  // namespace

const char* launch_chunk_reduce(const ChunkReduce& args, void* stream) {
  if (args.scripts > kMaxScripts) return "too many classes of ids";
  if (args.rows == 0 || args.length == 0) return nullptr;
  const cudaError_t chosen = cudaSetDevice(args.device);
  if (chosen != cudaSuccess) return cudaGetErrorString(chosen);
  const std::size_t shared = sizeof(float) * args.scripts * kThreads;
  reduce_rows<<<static_cast<unsigned>(args.rows), kThreads, shared,
                static_cast<cudaStream_t>(stream)>>>(args);
  const cudaError_t launched = cudaGetLastError();
  return launched == cudaSuccess ? nullptr : cudaGetErrorString(launched);
}

}  // namespace lens::readout
