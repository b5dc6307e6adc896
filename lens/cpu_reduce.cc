#include "lens/cpu_reduce.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

// One copy of a function for each instruction set, chosen when the program
// starts. The loops below are written so that the compiler turns them into
// vectors: a fixed number of lanes, no calls, no branches.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define LENS_VECTORIZED \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define LENS_VECTORIZED
#endif
#define LENS_INLINE __attribute__((always_inline)) inline

namespace lens::readout {
namespace {

constexpr std::int64_t kLanes = 16;
// Sums are float32 within a block, kBlock / kLanes terms a lane, and float64
// over blocks.
constexpr std::int64_t kBlock = 512;
static_assert(kBlock % kLanes == 0);

// e^x for x <= 0, 0 below -87: relative error under 2e-7 (Cody and Waite's
// reduction by ln 2 in two parts, then a polynomial of degree 6).
LENS_INLINE float exp_of_negative(float x) {
  constexpr float kToInteger = 12582912.0F;  // 1.5 * 2^23: adding it rounds
  const float bounded = x < -87.0F ? -87.0F : x;
  const float shifted = bounded * 1.44269504F + kToInteger;
  const float n = shifted - kToInteger;
  const float r = (bounded - n * 0.693359375F) + n * 2.12194440e-4F;
  float p = 1.9875691500e-4F;
  p = p * r + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  p = p * r * r + r + 1.0F;
  const std::uint32_t exponent = std::bit_cast<std::uint32_t>(shifted) << 23;
  const float scaled =
      std::bit_cast<float>(std::bit_cast<std::uint32_t>(p) + exponent);
  return x < -87.0F ? 0.0F : scaled;
}

// A block of at most kBlock logits of one row, padded with kNoLogit.
struct Block {
  alignas(64) float logit[kBlock];
  std::int64_t length;
};

struct BlockSums {
  float mass = 0, weighted = 0, squared = 0, final_dot = 0;
  std::int64_t larger = 0;
};

LENS_INLINE float sum_of(const float (&lane)[kLanes]) {
  float half[kLanes];
  std::copy_n(lane, kLanes, half);
  for (std::int64_t width = kLanes / 2; width > 0; width /= 2) {
    for (std::int64_t j = 0; j < width; ++j) half[j] += half[j + width];
  }
  return half[0];
}

LENS_VECTORIZED float largest_of(const float* logits, std::int64_t length) {
  float lane[kLanes];
  std::fill_n(lane, kLanes, kNoLogit);
  std::int64_t i = 0;
  for (; i + kLanes <= length; i += kLanes) {
    for (std::int64_t j = 0; j < kLanes; ++j) {
      lane[j] = logits[i + j] > lane[j] ? logits[i + j] : lane[j];
    }
  }
  float largest = kNoLogit;
  for (std::int64_t j = 0; j < kLanes; ++j) {
    largest = std::max(largest, lane[j]);
  }
  for (; i < length; ++i) largest = std::max(largest, logits[i]);
  return largest;
}

// mass[i] = e^(z[i] - max), and its sum; whole lanes: padding has no mass.
LENS_VECTORIZED float mass_of(const Block& block, float max, float* mass) {
  float sum[kLanes] = {};
  for (std::int64_t i = 0; i < kBlock; i += kLanes) {
    for (std::int64_t j = 0; j < kLanes; ++j) {
      mass[i + j] = exp_of_negative(block.logit[i + j] - max);
      sum[j] += mass[i + j];
    }
  }
  return sum_of(sum);
}

// All sums of a block; mass [kBlock] gets e^(z - max).
LENS_VECTORIZED BlockSums sums_of(const Block& block, float max, float target,
                                  const float* final_mass, float* mass) {
  float sum[kLanes] = {};
  float weighted[kLanes] = {};
  float squared[kLanes] = {};
  float final_dot[kLanes] = {};
  std::int32_t larger[kLanes] = {};
  for (std::int64_t i = 0; i < kBlock; i += kLanes) {
    for (std::int64_t j = 0; j < kLanes; ++j) {
      const float z = block.logit[i + j];
      // Padding is -inf: it has no mass, and 0 * -inf must not become NaN.
      const float shifted = z == kNoLogit ? 0.0F : z - max;
      const float e = z == kNoLogit ? 0.0F : exp_of_negative(shifted);
      mass[i + j] = e;
      sum[j] += e;
      weighted[j] += e * shifted;
      squared[j] += e * (shifted * shifted);
      final_dot[j] += final_mass[i + j] * shifted;
      larger[j] += z > target ? 1 : 0;
    }
  }
  BlockSums sums{sum_of(sum), sum_of(weighted), sum_of(squared),
                 sum_of(final_dot), 0};
  for (const std::int32_t count : larger) sums.larger += count;
  return sums;
}

// Best first; the lower id first where logits tie, since ids come in order.
void offer(float logit, std::int64_t id, float* value, std::int64_t* ids,
           int count) {
  int place = count - 1;
  for (; place > 0 && value[place - 1] < logit; --place) {
    value[place] = value[place - 1];
    ids[place] = ids[place - 1];
  }
  value[place] = logit;
  ids[place] = id;
}

// One token's rows of one chunk, with the memory that they need.
class TokenReduce {
 public:
  TokenReduce(const ChunkReduce& args, std::vector<float>& final_mass)
      : args_(args), final_mass_(final_mass) {
    blocks_ = (args.length + kBlock - 1) / kBlock;
    final_mass_.resize(blocks_ * kBlock);
  }

  void run(std::int64_t token) {
    const std::int64_t last = (token + 1) * args_.states - 1;
    const float final_max = raise_last(last);
    double final_sum = 0;
    for (std::int64_t b = 0; b < blocks_; ++b) {
      load(last, b);
      final_sum += mass_of(block_, final_max, final_mass_.data() + b * kBlock);
    }
    for (std::int64_t row = token * args_.states; row <= last; ++row) {
      reduce(row, args_.target[token], final_max, final_sum);
    }
  }

 private:
  const float* row_logits(std::int64_t row) const {
    return args_.logits + row * args_.length;
  }

  void load(std::int64_t row, std::int64_t block) {
    const std::int64_t begin = block * kBlock;
    block_.length = std::min(kBlock, args_.length - begin);
    std::copy_n(row_logits(row) + begin, block_.length, block_.logit);
    std::fill(block_.logit + block_.length, block_.logit + kBlock, kNoLogit);
  }

  // The largest logit of the last state, this chunk included.
  float raise_last(std::int64_t last) const {
    const float before =
        args_.begin == 0 ? kNoLogit : args_.state[last].sums.final_max;
    return std::max(before, largest_of(row_logits(last), args_.length));
  }

  void reduce(std::int64_t row, std::int64_t target, float final_max,
              double final_sum) {
    RowState& state = args_.state[row];
    double* const script = args_.script + row * args_.scripts;
    if (args_.begin == 0) {
      state = RowState();
      std::fill_n(script, args_.scripts, 0.0);
    }
    const float* const logits = row_logits(row);
    const float before = state.sums.max;
    const float max = std::max(before, largest_of(logits, args_.length));
    state.sums.raise(max, final_max);
    const auto factor = shrink<double>(before, max);
    for (int c = 0; c < args_.scripts; ++c) script[c] *= factor;

    for (std::int64_t b = 0; b < blocks_; ++b) {
      load(row, b);
      alignas(64) float mass[kBlock];
      const BlockSums sums = sums_of(block_, max, args_.target_logit[row],
                                     final_mass_.data() + b * kBlock, mass);
      state.sums.sum += sums.mass;
      state.sums.weighted += sums.weighted;
      state.sums.squared += sums.squared;
      state.sums.final_dot += sums.final_dot;
      state.larger += sums.larger;
      add_scripts(b, mass, script);
    }
    state.sums.final_sum += final_sum;
    const std::int64_t own = target - args_.begin;
    // The target itself never counts, however its two products round.
    if (own >= 0 && own < args_.length &&
        logits[own] > args_.target_logit[row]) {
      --state.larger;
    }
    find_top(row, logits);
  }

  void add_scripts(std::int64_t block, const float* mass, double* script) {
    // Neighbours in the vocabulary often share a class: four sums of each, so
    // that one need not wait for the one before.
    float bins[4][kMaxScripts] = {};
    const std::uint8_t* const classes =
        args_.script_class + args_.begin + block * kBlock;
    for (std::int64_t i = 0; i < block_.length; ++i) {
      bins[i & 3][classes[i]] += mass[i];
    }
    for (int c = 0; c < args_.scripts; ++c) {
      script[c] += double{bins[0][c]} + bins[1][c] + bins[2][c] + bins[3][c];
    }
  }

  void find_top(std::int64_t row, const float* logits) const {
    const int count = args_.top_k;
    float* const value = args_.top_value + row * count;
    std::int64_t* const ids = args_.top_id + row * count;
    std::int64_t i = 0;
    if (args_.begin == 0) {
      // Invariant: the first chunk has at least `count` ids.
      for (; i < count; ++i) {
        offer(logits[i], i, value, ids, static_cast<int>(i) + 1);
      }
    }
    while (i < args_.length) {
      const std::int64_t end =
          std::min(i / kBlock * kBlock + kBlock, args_.length);
      if (largest_of(logits + i, end - i) > value[count - 1]) {
        for (std::int64_t j = i; j < end; ++j) {
          if (logits[j] > value[count - 1]) {
            offer(logits[j], args_.begin + j, value, ids, count);
          }
        }
      }
      i = end;
    }
  }

  const ChunkReduce& args_;
  std::vector<float>& final_mass_;  // [blocks * kBlock] of the last state
  std::int64_t blocks_ = 0;
  Block block_;
};

}  // namespace

void reduce_chunk_on_cpu(const ChunkReduce& args) {
  at::parallel_for(0, args.rows / args.states, 1,
                   [&](std::int64_t begin, std::int64_t end) {
                     std::vector<float> final_mass;
                     TokenReduce reduce(args, final_mass);
                     for (std::int64_t token = begin; token < end; ++token) {
                       reduce.run(token);
                     }
                   });
}

}  // namespace lens::readout
