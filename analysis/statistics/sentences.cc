#include "analysis/statistics/sentences.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace lens::analysis::statistics {
namespace {

// The layer of the group's mean curve, or of its pictures where that has none.
std::string layer_of(const Test& test, const TestWords& words, std::size_t g) {
  const LayerEstimate& estimate = words.onset_of_mean[g];
  return std::isnan(estimate.value) ? fmt::format("{:.1f}", test.group_means[g])
                                    : layer_text(estimate);
}

bool one_layer(const TestWords& words) {
  return std::all_of(words.onset_of_mean.begin(), words.onset_of_mean.end(),
                     [&](const LayerEstimate& estimate) {
                       return estimate.value ==
                              words.onset_of_mean.front().value;
                     });
}

// From the least lower to the largest upper end.
LayerEstimate joined(const TestWords& words) {
  LayerEstimate joined = words.onset_of_mean.front();
  for (const LayerEstimate& estimate : words.onset_of_mean) {
    joined.interval.low = std::min(joined.interval.low, estimate.interval.low);
    joined.interval.high =
        std::max(joined.interval.high, estimate.interval.high);
  }
  return joined;
}

std::string each_layer(const Test& test, const TestWords& words) {
  std::vector<std::string> items;
  for (std::size_t g = 0; g < test.groups.size(); ++g)
    items.push_back(layer_of(test, words, g) + " for " + test.groups[g]);
  return listed(items);
}

std::string listed_means(const Test& test) {
  std::vector<std::string> items;
  for (const double mean : test.group_means)
    items.push_back(fmt::format("{:.1f}", mean));
  return listed(items);
}

std::string no_difference(const Test& test, const TestWords& words,
                          const std::string& p) {
  if (!one_layer(words))
    return fmt::format(
        "The onset layer of the mean curve is {}; that of the tokens is {} on "
        "average over pictures: no difference found ({}).",
        each_layer(test, words), listed_means(test), p);
  const std::string all = test.groups.size() == 2
                              ? "both"
                              : fmt::format("all {}", test.groups.size());
  return fmt::format(
      "The onset layer is {} for {} ({}); no difference found ({}).",
      layer_text(joined(words)), all, listed(test.groups), p);
}

std::string difference(const Test& test, const TestWords& words,
                       const std::string& p) {
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
        each_layer(test, words), means[last] - means[first], test.groups[last],
        test.effect_name, std::abs(test.effect), p);
  return fmt::format(
      "The onset layer differs: from {} for {} to {} for {}; which group a "
      "picture is in explains {:.0f} % of the spread of {} pictures ({} = "
      "{:.2f}, {}). In full: {}.",
      layer_of(test, words, first), test.groups[first],
      layer_of(test, words, last), test.groups[last], 100 * test.effect,
      [&] {
        std::int64_t all = 0;
        for (const std::int64_t pictures : test.group_pictures) all += pictures;
        return all;
      }(),
      test.effect_name, test.effect, p, each_layer(test, words));
}

// Without "-0.00".
std::string rho_text(double rho) {
  return fmt::format("{:.2f}", std::abs(rho) < 0.005 ? 0 : rho);
}

std::string relation(const Test& test, const TestWords& words,
                     const std::string& p) {
  if (std::isnan(test.effect))
    return fmt::format(
        "Whether the onset layer goes with the {} cannot be said: one of the "
        "two is the same for all {} pictures of {}.",
        words.size_name, test.group_pictures[0], test.groups[0]);
  if (!test.significant)
    return fmt::format(
        "No relation found between the onset layer and the {} over {} pictures "
        "of {} (Spearman rho = {}, {}).",
        words.size_name, test.group_pictures[0], test.groups[0],
        rho_text(test.effect), p);
  return fmt::format(
      "The onset layer goes with the {} over {} pictures of {}: the larger, "
      "the {} (Spearman rho = {}, {}).",
      words.size_name, test.group_pictures[0], test.groups[0],
      test.effect > 0 ? "later" : "earlier", rho_text(test.effect), p);
}

}  // namespace

std::string test_sentence(const Test& test, const TestWords& words,
                          std::size_t tests) {
  std::string p = p_text(test.p_adjusted);
  if (tests > 1) p += fmt::format(", corrected for {} tests", tests);
  if (!words.size_name.empty()) return relation(test, words, p);
  return test.significant ? difference(test, words, p)
                          : no_difference(test, words, p);
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
