#include "analysis/metrics/token_metrics.h"

#include <cmath>

namespace lens::analysis::metrics {
namespace {

template <class Value>
int onset_of(std::span<const Value> entropy, const OnsetRule& rule) {
  if (entropy.empty()) return kNoLayer;
  std::size_t peak = 0;
  for (std::size_t l = 0; l < entropy.size(); ++l) {
    if (std::isnan(entropy[l])) return kNoLayer;
    // The last of equal peaks.
    if (entropy[l] >= entropy[peak]) peak = l;
  }
  const double last = entropy.back();
  const double range = static_cast<double>(entropy[peak]) - last;
  if (range < rule.least_range_nats) return kNoLayer;
  const double bound = last + rule.fraction * range;
  std::size_t layer = entropy.size();
  while (layer > peak + 1 && entropy[layer - 1] <= bound) --layer;
  // The last state is always within the bound; a peak at it leaves no layer.
  return layer == entropy.size() ? kNoLayer : static_cast<int>(layer);
}

template <class Value>
int drop_of(std::span<const Value> entropy) {
  int layer = kNoLayer;
  double least = 0;
  for (std::size_t l = 1; l < entropy.size(); ++l) {
    const double change =
        static_cast<double>(entropy[l]) - static_cast<double>(entropy[l - 1]);
    if (change < least) {
      least = change;
      layer = static_cast<int>(l);
    }
  }
  return layer;
}

}  // namespace

int entropy_onset(std::span<const float> entropy, const OnsetRule& rule) {
  return onset_of(entropy, rule);
}
int entropy_onset(std::span<const double> entropy, const OnsetRule& rule) {
  return onset_of(entropy, rule);
}

int steepest_drop(std::span<const float> entropy) { return drop_of(entropy); }
int steepest_drop(std::span<const double> entropy) { return drop_of(entropy); }

int prediction_depth(std::span<const std::int32_t> top) {
  if (top.empty()) return kNoLayer;
  std::size_t layer = top.size() - 1;
  while (layer > 0 && top[layer - 1] == top.back()) --layer;
  return static_cast<int>(layer);
}

int first_hit(std::span<const std::int32_t> top, std::int32_t token) {
  for (std::size_t l = 0; l < top.size(); ++l)
    if (top[l] == token) return static_cast<int>(l);
  return kNoLayer;
}

}  // namespace lens::analysis::metrics
