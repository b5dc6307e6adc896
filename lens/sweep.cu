#include <cuda_runtime.h>

#include "lens/sweep.h"

namespace lens::readout {
namespace {

constexpr int kWarp = 32;
constexpr unsigned kAll = 0xffffffffu;
// A warp reads some states of one token together: they share the masses of the
// token's last state.
constexpr int kRows = 5;
constexpr int kWarps = 4;
constexpr int kThreads = kWarps * kWarp;
// Logits of a row that a lane holds, and ids that a warp takes in at a time.
constexpr int kHeld = 8;
constexpr int kStep = kWarp * kHeld;
constexpr float kNoLogit = -INFINITY;
// What stands where a row has no more ids: its mass is 0, and nothing that is
// made of it is NaN. No logit of a list is below kLowest.
constexpr float kNoId = -1e30f;
constexpr float kLowest = -1e29f;
constexpr float kLog2E = 1.4426950408889634f;
constexpr double kLn2 = 0.69314718055994530942;
constexpr std::int32_t kVacant = INT32_MAX;

// 2^x; 0 below -126.
__device__ float exp2_of(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

template <typename T>
__device__ T sum_of_lanes(T value) {
  for (int offset = kWarp / 2; offset > 0; offset /= 2) {
    value += __shfl_xor_sync(kAll, value, offset);
  }
  return value;
}

__device__ float max_of_lanes(float value) {
  for (int offset = kWarp / 2; offset > 0; offset /= 2) {
    value = fmaxf(value, __shfl_xor_sync(kAll, value, offset));
  }
  return value;
}

__device__ int lane_of() { return static_cast<int>(threadIdx.x) % kWarp; }

// The number within a step of the value that a lane holds in place i.
__device__ int place(int i) { return (i / 4 * kWarp + lane_of()) * 4 + i % 4; }

// The logits of this lane, the first of which is `row`; where the row has no
// more ids stands kNoId.
template <bool kAligned>
__device__ void load(const float* row, int left, float (&z)[kHeld]) {
#pragma unroll
  for (int g = 0; g < kHeld; g += 4) {
    const int at = place(g);
    if (kAligned) {
      float4 four = make_float4(kNoId, kNoId, kNoId, kNoId);
      if (at < left) four = *reinterpret_cast<const float4*>(row + at);
      z[g] = four.x;
      z[g + 1] = four.y;
      z[g + 2] = four.z;
      z[g + 3] = four.w;
    } else {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        z[g + i] = at + i < left ? row[at + i] : kNoId;
      }
    }
  }
}

template <bool kAligned>
__device__ void load_classes(const std::uint8_t* classes, int left,
                             int (&out)[kHeld]) {
#pragma unroll
  for (int g = 0; g < kHeld; g += 4) {
    const int at = place(g);
    if (kAligned) {
      uchar4 four = make_uchar4(0, 0, 0, 0);
      if (at < left) four = *reinterpret_cast<const uchar4*>(classes + at);
      out[g] = four.x;
      out[g + 1] = four.y;
      out[g + 2] = four.z;
      out[g + 3] = four.w;
    } else {
#pragma unroll
      for (int i = 0; i < 4; ++i)
        out[g + i] = at + i < left ? classes[at + i] : 0;
    }
  }
}

__device__ float largest_of(const float (&z)[kHeld]) {
  float largest = z[0];
#pragma unroll
  for (int i = 1; i < kHeld; ++i) largest = fmaxf(largest, z[i]);
  return largest;
}

struct Candidate {
  float value = kNoLogit;
  std::int32_t id = kVacant;

  // The larger logit, the lower id where they tie.
  __device__ bool before(const Candidate& other) const {
    return value > other.value || (value == other.value && id < other.id);
  }
};

__device__ Candidate best_of_lanes(Candidate best) {
  for (int offset = kWarp / 2; offset > 0; offset /= 2) {
    const Candidate other{__shfl_xor_sync(kAll, best.value, offset),
                          __shfl_xor_sync(kAll, best.id, offset)};
    if (other.before(best)) best = other;
  }
  return best;
}

// Takes what a warp holds and is above `bound` into the list of k, one a lane,
// best first. Gives the last value of the list. What comes later has higher ids
// than what is there, so that only a larger logit moves in.
__device__ __noinline__ float insert_top(float* values, std::int32_t* ids,
                                         int k, float bound, std::int32_t first,
                                         float z0, float z1, float z2, float z3,
                                         float z4, float z5, float z6,
                                         float z7) {
  const int lane = lane_of();
  float z[kHeld] = {z0, z1, z2, z3, z4, z5, z6, z7};
  Candidate own;
  if (lane < k) own = {values[lane], ids[lane]};
  float last = __shfl_sync(kAll, own.value, k - 1);
  for (;;) {
    Candidate best;
    int held = -1;
#pragma unroll
    for (int i = 0; i < kHeld; ++i) {
      const Candidate one{z[i], first + place(i)};
      if (z[i] > fmaxf(last, bound) && one.before(best)) {
        best = one;
        held = i;
      }
    }
    const std::int32_t mine = best.id;
    best = best_of_lanes(best);
    if (best.id == kVacant) break;
    if (mine == best.id) {
#pragma unroll
      for (int i = 0; i < kHeld; ++i) {
        if (i == held) z[i] = kNoLogit;
      }
    }
    const int at = __popc(__ballot_sync(kAll, lane < k && own.before(best)));
    const Candidate left{__shfl_up_sync(kAll, own.value, 1),
                         __shfl_up_sync(kAll, own.id, 1)};
    if (lane == at) own = best;
    if (lane > at && lane < k) own = left;
    last = __shfl_sync(kAll, own.value, k - 1);
  }
  if (lane < k) {
    values[lane] = own.value;
    ids[lane] = own.id;
  }
  return last;
}

// Sums of one lane on one row.
struct LaneSums {
  float ref = kNoLogit;  // the same in all lanes
  float sum = 0;
  float weighted = 0;
  float squared = 0;
  float final_dot = 0;
  float larger = 0;  // a whole number: adding one is cheaper than counting
};

// Both in double, the same in all lanes: `other` goes into `state`.
__device__ void merge(SweepState* state, const SweepState& other) {
  const auto refer = [](SweepState* to_change, float ref, float final_ref) {
    if (ref != to_change->ref && to_change->sum != 0) {
      const double drop = double{to_change->ref} - double{ref};
      const double factor = exp2(drop);
      const double moved = to_change->weighted + to_change->sum * drop;
      to_change->squared =
          factor * (to_change->squared + drop * (to_change->weighted + moved));
      to_change->weighted = factor * moved;
      to_change->sum *= factor;
      to_change->final_dot += to_change->final_sum * drop;
    }
    if (final_ref != to_change->final_ref && to_change->final_sum != 0) {
      const double factor =
          exp2(double{to_change->final_ref} - double{final_ref});
      to_change->final_sum *= factor;
      to_change->final_dot *= factor;
    }
    to_change->ref = ref;
    to_change->final_ref = final_ref;
  };
  SweepState addend = other;
  const float ref = fmaxf(state->ref, addend.ref);
  const float final_ref = fmaxf(state->final_ref, addend.final_ref);
  refer(state, ref, final_ref);
  refer(&addend, ref, final_ref);
  state->sum += addend.sum;
  state->weighted += addend.weighted;
  state->squared += addend.squared;
  state->final_sum += addend.final_sum;
  state->final_dot += addend.final_dot;
  state->larger += addend.larger;
}

__device__ SweepState nothing() {
  SweepState state;
  state.ref = kNoLogit;
  state.final_ref = kNoLogit;
  return state;
}

struct Chunk {
  const float* logits;
  std::int32_t begin;
  int length;
  int span;  // ids of a split, a multiple of kStep
  int groups;
  std::int64_t tasks;
};

// A warp: some states of one token over one split of the chunk.
template <bool kAligned>
class Task {
 public:
  // mass: column of this lane, [scripts, kRows, kWarp]
  __device__ Task(const Sweep& sweep, const Chunk& chunk, std::int64_t task,
                  float* mass)
      : sweep_(sweep), chunk_(chunk), mass_(mass) {
    split_ = static_cast<int>(task % sweep.splits);
    const std::int64_t rest = task / sweep.splits;
    const int first = static_cast<int>(rest % chunk.groups) * kRows;
    token_ = rest / chunk.groups;
    row_ = token_ * sweep.states + first;
    count_ = min(kRows, static_cast<int>(sweep.states) - first);
    begin_ = min(split_ * chunk.span, chunk.length);
    end_ = min(begin_ + chunk.span, chunk.length);
  }

  __device__ void run() {
    start();
    const float* const final_row =
        chunk_.logits + ((token_ + 1) * sweep_.states - 1) * chunk_.length;
    const float* const rows = chunk_.logits + row_ * chunk_.length;
    const std::uint8_t* const classes = sweep_.script_class + chunk_.begin;
    for (int at = begin_; at < end_; at += kStep) {
      const int left = end_ - at;
      float z[kRows][kHeld];
#pragma unroll
      for (int r = 0; r < kRows; ++r) {
        // Rows that are not there are the first one again: nobody looks at
        // what comes of them.
        const std::int64_t row = r < count_ ? r : 0;
        load<kAligned>(rows + row * chunk_.length + at, left, z[r]);
      }
      float final_z[kHeld];
      load<kAligned>(final_row + at, left, final_z);
      int script[kHeld];
      load_classes<kAligned>(classes + at, left, script);
      float largest[kRows];
      bool higher = false;
      bool better = false;
#pragma unroll
      for (int r = 0; r < kRows; ++r) {
        largest[r] = largest_of(z[r]);
        higher |= largest[r] * kLog2E > sums_[r].ref;
        better |= largest[r] > bound_[r];
      }
      const float final_largest = largest_of(final_z) * kLog2E;
      higher |= final_largest > final_ref_;
      if (__any_sync(kAll, higher)) raise(largest, final_largest);
      take(z, final_z, script);
      if (__any_sync(kAll, better)) take_top(z, largest, at);
    }
    finish();
  }

 private:
  __device__ std::int64_t at_row(int r) const {
    return std::int64_t{split_} * sweep_.rows + row_ + r;
  }
  __device__ float* top_values(int r) const {
    return sweep_.top_value + at_row(r) * sweep_.top_k;
  }
  __device__ std::int32_t* top_ids(int r) const {
    return sweep_.top_id + at_row(r) * sweep_.top_k;
  }

  __device__ void start() {
    const int lane = lane_of();
    const int k = sweep_.top_k;
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      const int row = r < count_ ? r : 0;
      target_[r] = sweep_.target_logit[row_ + row];
      // Nothing is larger than it.
      bound_[r] = INFINITY;
      if (r >= count_ || k == 0) continue;
      if (chunk_.begin == 0) {
        if (lane < k) {
          top_values(r)[lane] = kNoLogit;
          top_ids(r)[lane] = kVacant;
        }
        bound_[r] = kLowest;
        continue;
      }
      // k ids of any one split are as large as the last of its list: what is
      // smaller is no top token of the row. Others may be writing theirs: an
      // older value is a bound as well.
      float bound = kNoLogit;
      if (lane < sweep_.splits) {
        bound =
            __ldcg(sweep_.top_value +
                   (std::int64_t{lane} * sweep_.rows + row_ + r) * k + k - 1);
        // As large is not smaller: an id of here may be the lower one.
        if (lane != split_) bound = nextafterf(bound, kNoLogit);
      }
      bound_[r] = fmaxf(kLowest, max_of_lanes(bound));
    }
    for (int c = 0; c < kRows * sweep_.scripts; ++c) mass_[c * kWarp] = 0;
    if (chunk_.begin == 0) return;
    // What was the largest logit so far hardly ever has to be raised.
    final_ref_ = sweep_.state[at_row(0)].final_ref;
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      sums_[r].ref = sweep_.state[at_row(r < count_ ? r : 0)].ref;
    }
  }

  // Sums refer to the largest logit so far.
  __device__ void raise(const float (&largest)[kRows], float final_largest) {
    const float final_to = fmaxf(final_ref_, max_of_lanes(final_largest));
    if (final_to != final_ref_) {
      if (final_ref_ != kNoLogit) {
        const float factor = exp2_of(final_ref_ - final_to);
        final_sum_ *= factor;
#pragma unroll
        for (int r = 0; r < kRows; ++r) sums_[r].final_dot *= factor;
      }
      final_ref_ = final_to;
    }
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      LaneSums& sums = sums_[r];
      const float to = fmaxf(sums.ref, max_of_lanes(largest[r] * kLog2E));
      if (to == sums.ref) continue;
      if (sums.ref != kNoLogit) {
        const float drop = sums.ref - to;
        const float factor = exp2_of(drop);
        const float moved = sums.weighted + sums.sum * drop;
        sums.squared = factor * (sums.squared + drop * (sums.weighted + moved));
        sums.weighted = factor * moved;
        sums.sum *= factor;
        sums.final_dot += final_sum_ * drop;
        for (int c = 0; c < sweep_.scripts; ++c) {
          mass_[(c * kRows + r) * kWarp] *= factor;
        }
      }
      sums.ref = to;
    }
  }

  __device__ void take(const float (&z)[kRows][kHeld],
                       const float (&final_z)[kHeld],
                       const int (&script)[kHeld]) {
#pragma unroll
    for (int i = 0; i < kHeld; ++i) {
      const float final_mass = exp2_of(fmaf(final_z[i], kLog2E, -final_ref_));
      final_sum_ += final_mass;
      float mass[kRows];
#pragma unroll
      for (int r = 0; r < kRows; ++r) {
        LaneSums& sums = sums_[r];
        const float shifted = fmaf(z[r][i], kLog2E, -sums.ref);
        mass[r] = exp2_of(shifted);
        const float weighted = mass[r] * shifted;
        sums.sum += mass[r];
        sums.weighted += weighted;
        sums.squared = fmaf(weighted, shifted, sums.squared);
        sums.final_dot = fmaf(final_mass, shifted, sums.final_dot);
        sums.larger += z[r][i] > target_[r] ? 1.0f : 0.0f;
      }
      // All loads before all stores: the places differ by row.
      float* const column = mass_ + script[i] * (kRows * kWarp);
      float before[kRows];
#pragma unroll
      for (int r = 0; r < kRows; ++r) before[r] = column[r * kWarp];
#pragma unroll
      for (int r = 0; r < kRows; ++r) column[r * kWarp] = before[r] + mass[r];
    }
  }

  __device__ void take_top(const float (&z)[kRows][kHeld],
                           const float (&largest)[kRows], int at) {
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      if (!__any_sync(kAll, largest[r] > bound_[r])) continue;
      const float last =
          insert_top(top_values(r), top_ids(r), sweep_.top_k, bound_[r],
                     sweep_.first_id + chunk_.begin + at, z[r][0], z[r][1],
                     z[r][2], z[r][3], z[r][4], z[r][5], z[r][6], z[r][7]);
      bound_[r] = fmaxf(bound_[r], last);
    }
  }

  __device__ void finish() {
    const int lane = lane_of();
    const float final_sum = sum_of_lanes(final_sum_);
    SweepState found = nothing();
    // Lane r keeps row r, so that all rows are merged at once.
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      const LaneSums& sums = sums_[r];
      const float sum = sum_of_lanes(sums.sum);
      const float weighted = sum_of_lanes(sums.weighted);
      const float squared = sum_of_lanes(sums.squared);
      const float final_dot = sum_of_lanes(sums.final_dot);
      const float larger = sum_of_lanes(sums.larger);
      if (lane != r) continue;
      found.ref = sums.ref;
      found.final_ref = final_ref_;
      found.sum = sum;
      found.weighted = weighted;
      found.squared = squared;
      found.final_sum = final_sum;
      found.final_dot = final_dot;
      found.larger = static_cast<std::int64_t>(larger);
    }
    const bool mine = lane < count_;
    SweepState before = nothing();
    if (mine && chunk_.begin > 0) before = sweep_.state[at_row(lane)];
    SweepState after = before;
    merge(&after, found);
    if (mine) {
      // The target itself never counts, however its two products round.
      const std::int64_t own = sweep_.target[token_] - chunk_.begin;
      if (own >= begin_ && own < end_ &&
          chunk_.logits[(row_ + lane) * chunk_.length + own] >
              sweep_.target_logit[row_ + lane]) {
        --after.larger;
      }
      sweep_.state[at_row(lane)] = after;
    }
    const double scale_before =
        before.ref == after.ref ? 1 : exp2(double{before.ref} - after.ref);
    const double scale_found =
        found.ref == after.ref ? 1 : exp2(double{found.ref} - after.ref);
    __syncwarp();
    // A lane adds the 32 columns of a class up, each lane from another one on.
    const float* const columns = mass_ - lane;
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      const double old_scale = __shfl_sync(kAll, scale_before, r);
      const double new_scale = __shfl_sync(kAll, scale_found, r);
      if (r >= count_ || lane >= sweep_.scripts) continue;
      const float* const row = columns + (lane * kRows + r) * kWarp;
      float total = 0;
      for (int i = 0; i < kWarp; ++i) total += row[(i + lane) % kWarp];
      double* const out = sweep_.script + at_row(r) * sweep_.scripts + lane;
      const double old = chunk_.begin > 0 ? *out * old_scale : 0;
      *out = total == 0 ? old : old + double{total} * new_scale;
    }
  }

  const Sweep& sweep_;
  const Chunk& chunk_;
  float* mass_;
  int split_;
  int count_;  // rows of this task
  int begin_;  // of the split in the chunk
  int end_;
  std::int64_t token_;
  std::int64_t row_;  // the first one
  float final_ref_ = kNoLogit;
  float final_sum_ = 0;
  LaneSums sums_[kRows];
  float target_[kRows];
  float bound_[kRows];
};

template <bool kAligned>
__global__ void __launch_bounds__(kThreads, 4)
    reduce(const __grid_constant__ Sweep sweep,
           const __grid_constant__ Chunk chunk) {
  extern __shared__ float shared[];  // [kWarps, scripts, kRows, kWarp]
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  const std::int64_t task = std::int64_t{blockIdx.x} * kWarps + warp;
  if (task >= chunk.tasks) return;
  Task<kAligned>(sweep, chunk, task,
                 shared + warp * kRows * sweep.scripts * kWarp + lane_of())
      .run();
}

__device__ SweepState whole(const Sweep& sweep, std::int64_t row) {
  SweepState all = nothing();
  for (int split = 0; split < sweep.splits; ++split) {
    merge(&all, sweep.state[std::int64_t{split} * sweep.rows + row]);
  }
  return all;
}

// E_N[log2 p]
__device__ double cross(const SweepState& state) {
  return state.final_dot / state.final_sum - log2(state.sum);
}

// Keeps a NaN, which fmax(0.0, NaN) would turn into 0.
__device__ double at_least_zero(double value) { return value < 0 ? 0 : value; }
__device__ double at_most_zero(double value) { return value > 0 ? 0 : value; }

// The best of the splits' lists, in order.
__device__ void write_top(const Sweep& sweep, const SweepResult& result,
                          std::int64_t row, double lse) {
  const int lane = lane_of();
  const int k = sweep.top_k;
  Candidate before{INFINITY, -1};
  for (int i = 0; i < k; ++i) {
    Candidate best;
    for (int j = lane; j < sweep.splits * k; j += kWarp) {
      const std::int64_t at =
          (std::int64_t{j / k} * sweep.rows + row) * k + j % k;
      const Candidate one{sweep.top_value[at], sweep.top_id[at]};
      if (before.before(one) && one.before(best)) best = one;
    }
    best = best_of_lanes(best);
    before = best;
    if (lane != 0) continue;
    // Only a row whose logits are no numbers leaves a place vacant.
    result.top_id[row * k + i] = best.id == kVacant ? 0 : best.id;
    result.top_logprob[row * k + i] =
        static_cast<float>(at_most_zero(double{best.value} - lse));
  }
}

// A warp a row.
__global__ void __launch_bounds__(kThreads)
    write_results(Sweep sweep, SweepResult result) {
  const int lane = lane_of();
  const std::int64_t row =
      std::int64_t{blockIdx.x} * kWarps + threadIdx.x / kWarp;
  if (row >= sweep.rows) return;
  const std::int64_t last = (row / sweep.states + 1) * sweep.states - 1;
  const SweepState own = whole(sweep, row);
  const SweepState final_row = row == last ? own : whole(sweep, last);
  const double log_sum = log2(own.sum);
  const double lse = (double{own.ref} + log_sum) * kLn2;
  const double mean = own.weighted / own.sum;
  if (lane == 0) {
    // H = log sum - E[z - ref]; the variance of ln p is that of z.
    result.entropy[row] =
        static_cast<float>(at_least_zero((log_sum - mean) * kLn2));
    result.varentropy[row] = static_cast<float>(
        at_least_zero((own.squared / own.sum - mean * mean) * (kLn2 * kLn2)));
    result.kl_final[row] = static_cast<float>(
        at_least_zero((cross(final_row) - cross(own)) * kLn2));
    result.logsumexp[row] = static_cast<float>(lse);
    result.target_logprob[row] =
        static_cast<float>(at_most_zero(double{sweep.target_logit[row]} - lse));
    result.target_rank[row] = static_cast<std::int32_t>(own.larger + 1);
  }
  if (lane < sweep.scripts) {
    double mass = 0;
    for (int split = 0; split < sweep.splits; ++split) {
      const std::int64_t at = std::int64_t{split} * sweep.rows + row;
      const double part = sweep.script[at * sweep.scripts + lane];
      if (part != 0) {
        mass += part * exp2(double{sweep.state[at].ref} - own.ref);
      }
    }
    result.script_share[row * sweep.scripts + lane] =
        static_cast<float>(mass / own.sum);
  }
  if (sweep.top_k > 0) write_top(sweep, result, row, lse);
}

template <bool kAligned>
cudaError_t launch(const Sweep& sweep, const Chunk& chunk,
                   cudaStream_t stream) {
  const std::size_t shared =
      sizeof(float) * kWarps * kRows * sweep.scripts * kWarp;
  // Above 48 KiB a kernel asks first.
  const cudaError_t asked = cudaFuncSetAttribute(
      reduce<kAligned>, cudaFuncAttributeMaxDynamicSharedMemorySize,
      static_cast<int>(shared));
  if (asked != cudaSuccess) return asked;
  const auto blocks =
      static_cast<unsigned>((chunk.tasks + kWarps - 1) / kWarps);
  reduce<kAligned><<<blocks, kThreads, shared, stream>>>(sweep, chunk);
  return cudaGetLastError();
}

const char* said(cudaError_t error) {
  return error == cudaSuccess ? nullptr : cudaGetErrorString(error);
}

int groups_of(std::int64_t states) {
  return static_cast<int>((states + kRows - 1) / kRows);
}

}  // namespace

const char* sweep_chunk(const Sweep& sweep, const float* logits,
                        std::int64_t begin, std::int64_t length, void* stream) {
  if (sweep.scripts > kMaxScripts) return "too many classes of ids";
  if (sweep.top_k > kMaxTopOnGpu) return "too many top tokens";
  if (sweep.splits > kMaxSplits) return "too many splits";
  if (sweep.rows == 0 || length == 0) return nullptr;
  const cudaError_t chosen = cudaSetDevice(sweep.device);
  if (chosen != cudaSuccess) return said(chosen);
  Chunk chunk{};
  chunk.logits = logits;
  chunk.begin = static_cast<std::int32_t>(begin);
  chunk.length = static_cast<int>(length);
  const std::int64_t share = (length + sweep.splits - 1) / sweep.splits;
  chunk.span = static_cast<int>((share + kStep - 1) / kStep * kStep);
  chunk.groups = groups_of(sweep.states);
  chunk.tasks =
      sweep.rows / sweep.states * chunk.groups * std::int64_t{sweep.splits};
  const auto on = static_cast<cudaStream_t>(stream);
  // Rows and classes begin on 16 and 4 bytes when chunks are multiples of four.
  const bool aligned = length % 4 == 0 && begin % 4 == 0;
  return said(aligned ? launch<true>(sweep, chunk, on)
                      : launch<false>(sweep, chunk, on));
}

const char* sweep_finish(const Sweep& sweep, const SweepResult& result,
                         void* stream) {
  if (sweep.rows == 0) return nullptr;
  const cudaError_t chosen = cudaSetDevice(sweep.device);
  if (chosen != cudaSuccess) return said(chosen);
  const auto blocks = static_cast<unsigned>((sweep.rows + kWarps - 1) / kWarps);
  write_results<<<blocks, kThreads, 0, static_cast<cudaStream_t>(stream)>>>(
      sweep, result);
  return said(cudaGetLastError());
}

int sweep_splits(std::int64_t rows, std::int64_t states) {
  // Warps that run at a time on a large GPU.
  constexpr std::int64_t kSlots = 132 * 4 * kWarps;
  const std::int64_t tasks = rows / states * groups_of(states);
  const std::int64_t splits = tasks == 0 ? 1 : kSlots / tasks;
  return static_cast<int>(splits < 1            ? 1
                          : splits > kMaxSplits ? kMaxSplits
                                                : splits);
}

}  // namespace lens::readout
