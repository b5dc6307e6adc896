#include "analysis/statistics/sentences.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace lens::analysis::statistics {
namespace {

// Of the groups' mean curves.
using Onsets = std::span<const LayerEstimate>;

// The layer of the group's mean curve, or of its pictures where that has none.
std::string layer_of(const Test& test, Onsets onsets, std::size_t g) {
  const LayerEstimate& estimate = onsets[g];
  return std::isnan(estimate.value) ? fmt::format("{:.1f}", test.group_means[g])
                                    : layer_text(estimate);
}

bool one_layer(Onsets onsets) {
  return std::all_of(onsets.begin(), onsets.end(),
                     [&](const LayerEstimate& estimate) {
                       return estimate.value == onsets.front().value;
                     });
}

// From the least lower to the largest upper end.
LayerEstimate joined(Onsets onsets) {
  LayerEstimate joined = onsets.front();
  for (const LayerEstimate& estimate : onsets) {
    joined.interval.low = std::min(joined.interval.low, estimate.interval.low);
    joined.interval.high =
        std::max(joined.interval.high, estimate.interval.high);
  }
  return joined;
}

std::string each_layer(const Test& test, Onsets onsets) {
  std::vector<std::string> items;
  for (std::size_t g = 0; g < test.populations.size(); ++g)
    items.push_back(layer_of(test, onsets, g) + " for " +
                    test.populations[g].name());
  return listed(items);
}

std::string listed_means(const Test& test) {
  std::vector<std::string> items;
  for (const double mean : test.group_means)
    items.push_back(fmt::format("{:.1f}", mean));
  return listed(items);
}

std::string no_difference(const Test& test, Onsets onsets,
                          const std::string& p) {
  if (!one_layer(onsets))
    return fmt::format(
        "The onset layer of the mean curve is {}; that of the tokens is {} on "
        "average over pictures: no difference found ({}).",
        each_layer(test, onsets), listed_means(test), p);
  const std::string all = test.populations.size() == 2
                              ? "both"
                              : fmt::format("all {}", test.populations.size());
  std::vector<std::string> names;
  for (const Population& population : test.populations)
    names.push_back(population.name());
  return fmt::format(
      "The onset layer is {} for {} ({}); no difference found ({}).",
      layer_text(joined(onsets)), all, listed(names), p);
}

std::string difference(const Test& test, Onsets onsets, const std::string& p) {
  const auto& means = test.group_means;
  const auto at = [&](auto found) {
    return static_cast<std::size_t>(found - means.begin());
  };
  const std::size_t first = at(std::min_element(means.begin(), means.end()));
  const std::size_t last = at(std::max_element(means.begin(), means.end()));
  if (means.size() == 2)
    return fmt::format(
        "The onset layer differs: {}; over pictures it comes {:.1f} layers "
        "later for {} ({} = {:.2f}, {}).",
        each_layer(test, onsets), means[last] - means[first],
        test.populations[last].name(), test.method().effect,
        std::abs(test.effect), p);
  return fmt::format(
      "The onset layer differs: from {} for {} to {} for {}; which group a "
      "picture is in explains {:.0f} % of the spread of {} pictures ({} = "
      "{:.2f}, {}). In full: {}.",
      layer_of(test, onsets, first), test.populations[first].name(),
      layer_of(test, onsets, last), test.populations[last].name(),
      100 * test.effect,
      [&] {
        std::int64_t all = 0;
        for (const std::int64_t pictures : test.group_pictures) all += pictures;
        return all;
      }(),
      test.method().effect, test.effect, p, each_layer(test, onsets));
}

// Without "-0.00".
std::string rho_text(double rho) {
  return fmt::format("{:.2f}", std::abs(rho) < 0.005 ? 0 : rho);
}

std::string relation(const Test& test, const std::string& p) {
  if (std::isnan(test.effect))
    return fmt::format(
        "Whether the onset layer goes with the {} cannot be said: one of the "
        "two is the same for all {} pictures of {}.",
        test.kind->size_name, test.group_pictures[0],
        test.populations[0].words());
  if (!test.significant)
    return fmt::format(
        "No relation found between the onset layer and the {} over {} pictures "
        "of {} (Spearman rho = {}, {}).",
        test.kind->size_name, test.group_pictures[0],
        test.populations[0].words(), rho_text(test.effect), p);
  return fmt::format(
      "The onset layer goes with the {} over {} pictures of {}: the larger, "
      "the {} (Spearman rho = {}, {}).",
      test.kind->size_name, test.group_pictures[0], test.populations[0].words(),
      test.effect > 0 ? "later" : "earlier", rho_text(test.effect), p);
}

}  // namespace

std::string test_sentence(const Test& test,
                          std::span<const LayerEstimate> onset_of_mean,
                          std::size_t tests) {
  std::string p = p_text(test.p_adjusted);
  if (tests > 1) p += fmt::format(", corrected for {} tests", tests);
  if (test.kind->is_relation()) return relation(test, p);
  return test.significant ? difference(test, onset_of_mean, p)
                          : no_difference(test, onset_of_mean, p);
}

std::string layer_text(const LayerEstimate& estimate, int decimals) {
  if (std::isnan(estimate.value)) return "none";
  std::string text = fmt::format("{:.{}f}", estimate.value, decimals);
  if (!std::isnan(estimate.interval.low))
    text += fmt::format(" [{:.{}f}, {:.{}f}]", estimate.interval.low, decimals,
                        estimate.interval.high, decimals);
  return text;
}

std::string p_text(double p) {
  if (p < 0.001) return "p < 0.001";
  if (p < 0.1) return fmt::format("p = {:.3f}", p);
  return fmt::format("p = {:.2f}", p);
}

std::string listed(const std::vector<std::string>& items) {
  std::string text;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0) text += i + 1 == items.size() ? " and " : ", ";
    text += items[i];
  }
  return text;
}

}  // namespace lens::analysis::statistics
