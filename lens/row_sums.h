#pragma once

#include <cmath>
#include <limits>

namespace lens::readout {

// The maximum of no logits.
inline constexpr float kNoLogit = -std::numeric_limits<float>::infinity();

// e^(from - to): what sums that refer to the maximum `from` are worth under the
// maximum `to` >= from. 0 for sums of nothing (from = kNoLogit).
template <typename Real>
Real shrink(float from, float to) {
  // Equal maxima are the usual case and need no exponential.
  return from == to ? Real(1) : std::exp(Real(from) - Real(to));
}

// Running reductions of one row of logits z, seen beside the row z_N of the
// same token's last state. Any order of take() and merge() over the vocabulary
// gives the same up to rounding; Real is float within a chunk and double over
// chunks.
template <typename Real>
struct RowSums {
  float max = kNoLogit;        // of z so far
  Real sum = 0;                // e^(z - max)
  Real weighted = 0;           // e^(z - max) (z - max)
  Real squared = 0;            // e^(z - max) (z - max)^2
  float final_max = kNoLogit;  // of z_N so far
  Real final_sum = 0;          // e^(z_N - final_max)
  Real final_dot = 0;          // e^(z_N - final_max) (z - max)

  // Nothing taken in yet: afterwards the largest logit alone adds 1 to sum.
  bool empty() const { return sum == 0; }

  // Refers the sums to the maxima given, neither smaller than the own ones.
  void raise(float to, float final_to) {
    if (to != max) {
      if (!empty()) {
        const Real drop = Real(max) - Real(to);
        const Real factor = std::exp(drop);
        // sum of mass (s + drop)^2, with what becomes of `weighted` as a step.
        const Real moved = weighted + sum * drop;
        squared = factor * (squared + drop * (weighted + moved));
        weighted = factor * moved;
        sum *= factor;
        final_dot += final_sum * drop;
      }
      max = to;
    }
    if (final_to != final_max) {
      const Real factor = shrink<Real>(final_max, final_to);
      final_sum *= factor;
      final_dot *= factor;
      final_max = final_to;
    }
  }

  // Takes the logits of one id in; gives e^(z - max), its mass.
  Real take(float z, float z_final) {
    if (z > max || z_final > final_max) {
      raise(z > max ? z : max, z_final > final_max ? z_final : final_max);
    }
    const Real shifted = Real(z) - Real(max);
    const Real mass = std::exp(shifted);
    const Real final_mass = std::exp(Real(z_final) - Real(final_max));
    sum += mass;
    weighted += mass * shifted;
    squared += mass * (shifted * shifted);
    final_sum += final_mass;
    final_dot += final_mass * shifted;
    return mass;
  }

  // Takes in what another one has seen of the same row.
  template <typename Other>
  void merge(RowSums<Other> other) {
    if (other.empty()) return;
    RowSums addend;
    addend.max = other.max;
    addend.sum = Real(other.sum);
    addend.weighted = Real(other.weighted);
    addend.squared = Real(other.squared);
    addend.final_max = other.final_max;
    addend.final_sum = Real(other.final_sum);
    addend.final_dot = Real(other.final_dot);
    const float top = max > other.max ? max : other.max;
    const float final_top =
        final_max > other.final_max ? final_max : other.final_max;
    raise(top, final_top);
    addend.raise(top, final_top);
    sum += addend.sum;
    weighted += addend.weighted;
    squared += addend.squared;
    final_sum += addend.final_sum;
    final_dot += addend.final_dot;
  }
};

}  // namespace lens::readout
