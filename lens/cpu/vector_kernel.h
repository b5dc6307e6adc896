#pragma once

#include <cstdint>

#include "lens/cpu/kernel.h"

// The kernel in the compiler's own vectors: the file that includes it says by
// its flags what they become. Everything here is the includer's alone.
namespace lens::readout::cpu {
namespace {  // NOLINT(google-build-namespaces): see above

// Sums over the hidden size begin anew after so many columns: fewer digits are
// lost than in one long sum, and the rows' part stays in the first cache.
constexpr std::int64_t kDepth = 512;

template <int width>
struct Vectors {
  using Floats [[gnu::vector_size(4 * width)]] = float;
  using Ints [[gnu::vector_size(4 * width)]] = std::int32_t;
  using FloatsInMemory
      [[gnu::vector_size(4 * width), gnu::aligned(4), gnu::may_alias]] = float;
  using IntsInMemory
      [[gnu::vector_size(4 * width), gnu::aligned(4), gnu::may_alias]] =
          std::int32_t;

  static Floats load(const float* from) {
    return *reinterpret_cast<const FloatsInMemory*>(from);
  }
  static void store(Floats value, float* to) {
    *reinterpret_cast<FloatsInMemory*>(to) = value;
  }
  static void store(Ints value, std::int32_t* to) {
    *reinterpret_cast<IntsInMemory*>(to) = value;
  }
  static Floats larger(Floats a, Floats b) { return a > b ? a : b; }

  // e^x for x <= 0, 0 below -87: relative error under 2e-7 (Cody and Waite's
  // reduction by ln 2 in two parts, then a polynomial of degree 6).
  static Floats exp_of_negative(Floats x) {
    constexpr float kToInteger = 12582912.0F;  // 1.5 * 2^23: adding it rounds
    constexpr float kLowest = -87.0F;
    const Floats bounded = x < kLowest ? Floats{} + kLowest : x;
    const Floats shifted = bounded * 1.44269504F + kToInteger;
    const Floats n = shifted - kToInteger;
    const Floats r = (bounded - n * 0.693359375F) + n * 2.12194440e-4F;
    Floats p = r * 1.9875691500e-4F + 1.3981999507e-3F;
    p = p * r + 8.3334519073e-3F;
    p = p * r + 4.1665795894e-2F;
    p = p * r + 1.6666665459e-1F;
    p = p * r + 5.0000001201e-1F;
    p = p * r * r + r + 1.0F;
    const Ints exponent = reinterpret_cast<Ints>(shifted) << 23;
    const Floats scaled =
        reinterpret_cast<Floats>(reinterpret_cast<Ints>(p) + exponent);
    return x < kLowest ? Floats{} : scaled;
  }
};

// One column of float32 at a time.
template <int width>
struct SingleColumns {
  using Weight = float;
  using Floats = typename Vectors<width>::Floats;
  static constexpr int kColumns = 1;
  static constexpr bool kBfloat16 = false;

  static void add(Floats& sum, const float* rows, float weight) {
    sum += Vectors<width>::load(rows) * weight;
  }
};

// `vectors` vectors of `width` rows by `ids` ids are held in registers. Columns
// says what one step along the hidden size is.
template <int width, int vectors, int ids, typename Columns>
struct VectorKernel {
  using V = Vectors<width>;
  using Floats = typename V::Floats;
  using Ints = typename V::Ints;
  using Weight = typename Columns::Weight;
  static constexpr int kLanes = width * vectors;
  static_assert(kLanes <= kMaxLanes);

  static void multiply_block(const Weight* weights, std::int64_t stride,
                             const float* rows, std::int64_t steps,
                             bool is_first, float* tile) {
    Floats sum[ids][vectors] = {};
    for (std::int64_t k = 0; k < steps; ++k) {
#pragma GCC unroll 16
      for (int id = 0; id < ids; ++id) {
#pragma GCC unroll 8
        for (int v = 0; v < vectors; ++v) {
          Columns::add(sum[id][v], rows + k * kLanes + v * width,
                       weights[id * stride + k]);
        }
      }
    }
    for (int id = 0; id < ids; ++id) {
      for (int v = 0; v < vectors; ++v) {
        float* const to = tile + id * kLanes + v * width;
        V::store(is_first ? sum[id][v] : V::load(to) + sum[id][v], to);
      }
    }
  }

  static void multiply(const void* weights, std::int64_t stride,
                       const void* rows, std::int64_t hidden_size, int count,
                       float* tile) {
    const auto* const from = static_cast<const Weight*>(weights);
    const auto* const beside = static_cast<const float*>(rows);
    const std::int64_t steps = hidden_size / Columns::kColumns;
    constexpr std::int64_t kSteps = kDepth / Columns::kColumns;
    for (std::int64_t begin = 0; begin < steps; begin += kSteps) {
      const std::int64_t length =
          steps - begin < kSteps ? steps - begin : kSteps;
      for (int id = 0; id < count; id += ids) {
        multiply_block(from + id * (stride / Columns::kColumns) + begin,
                       stride / Columns::kColumns, beside + begin * kLanes,
                       length, begin == 0, tile + id * kLanes);
      }
    }
  }

  static void find_largest(const float* tile, int count, float* largest) {
    for (int lane = 0; lane < kLanes; lane += width) {
      Floats found = V::load(tile + lane);
      for (int id = 1; id < count; ++id) {
        found = V::larger(V::load(tile + id * kLanes + lane), found);
      }
      V::store(found, largest + lane);
    }
  }

  static void exponentiate(const float* tile, int count, const float* max,
                           float* mass, float* sum) {
    for (int lane = 0; lane < kLanes; lane += width) {
      const Floats top = V::load(max + lane);
      Floats total{};
      for (int id = 0; id < count; ++id) {
        const Floats e =
            V::exp_of_negative(V::load(tile + id * kLanes + lane) - top);
        V::store(e, mass + id * kLanes + lane);
        total += e;
      }
      V::store(total, sum + lane);
    }
  }

  static void spread(const Segment* segments, int count, std::int64_t stride,
                     int rows, float* mass) {
    for (int lane = 0; lane < kLanes; lane += width) {
      Ints number;
      for (int j = 0; j < width; ++j) number[j] = lane + j;
      for (int id = 0; id < rows; ++id) {
        Floats value = Floats{} + segments[0].mass[id * stride];
        for (int s = 1; s < count; ++s) {
          value = number >= segments[s].first
                      ? Floats{} + segments[s].mass[id * stride]
                      : value;
        }
        V::store(value, mass + id * kLanes + lane);
      }
    }
  }

  static void add_up(const float* tile, const float* mass, int count,
                     const float* max, const float* target,
                     const std::uint8_t* classes, const TileSums& sums) {
    for (int lane = 0; lane < kLanes; lane += width) {
      const Floats top = V::load(max + lane);
      const Floats own = V::load(target + lane);
      Floats sum{};
      Floats weighted{};
      Floats squared{};
      Floats final_dot{};
      Ints larger{};
      for (int id = 0; id < count; ++id) {
        const Floats z = V::load(tile + id * kLanes + lane);
        const Floats shifted = z - top;
        const Floats e = V::exp_of_negative(shifted);
        const Floats product = e * shifted;
        sum += e;
        weighted += product;
        squared += product * shifted;
        final_dot += V::load(mass + id * kLanes + lane) * shifted;
        larger -= z > own;  // true is -1
        float* const bin = sums.script + classes[id] * kLanes + lane;
        V::store(V::load(bin) + e, bin);
      }
      V::store(sum, sums.sum + lane);
      V::store(weighted, sums.weighted + lane);
      V::store(squared, sums.squared + lane);
      V::store(final_dot, sums.final_dot + lane);
      V::store(larger, sums.larger + lane);
    }
  }

  // All of it; a file with a better product gives its own.
  static constexpr Kernel kernel(const char* name) {
    return {
        name,     Columns::kBfloat16, kLanes,       ids,    Columns::kColumns,
        multiply, find_largest,       exponentiate, spread, add_up};
  }
};

}  // namespace
}  // namespace lens::readout::cpu
