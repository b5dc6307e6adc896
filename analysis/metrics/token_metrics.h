#pragma once

#include <cstdint>
#include <span>

namespace lens::analysis::metrics {

// Layers read off the curves of one token. A layer is a state index 0..N as in
// /layer of results.h5. docs/metrics.md gives each definition with its source.

// Parameters of the entropy onset; they are stored with every figure made of
// it.
struct OnsetRule {
  double fraction = 0.5;          // a, of the fall from peak to last state
  double least_range_nats = 1.0;  // below it a curve has no onset

  bool operator==(const OnsetRule&) const = default;
};

// "No such layer".
inline constexpr int kNoLayer = -1;

// entropy [layer], nats. With Hmax the largest value, lpk its last index, HL
// the last value: min{ l > lpk : H[l'] <= HL + a (Hmax - HL) for all l' >= l }.
// kNoLayer where Hmax - HL < least_range_nats or a value is NaN.
int entropy_onset(std::span<const float> entropy, const OnsetRule& rule);
int entropy_onset(std::span<const double> entropy, const OnsetRule& rule);

// The layer l >= 1 at which entropy has fallen most from l - 1: the smallest of
// H[l] - H[l-1], the first such l. kNoLayer where it never falls.
int steepest_drop(std::span<const float> entropy);
int steepest_drop(std::span<const double> entropy);

// top [layer]: the first of the top tokens of each state.
// min{ l : top[l'] = top[N] for all l' >= l }.
int prediction_depth(std::span<const std::int32_t> top);

// min{ l : top[l] = token }. kNoLayer where no state has it on top.
int first_hit(std::span<const std::int32_t> top, std::int32_t token);

}  // namespace lens::analysis::metrics
