#include "analysis/diff/paired_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "analysis/statistics/sentences.h"

namespace lens::analysis::diff {
namespace {

std::string found_words(const PairedTest& test,
                        std::span<const FoundLayer> found) {
  std::vector<int> layers;
  for (const FoundLayer& at : found) layers.push_back(at.layer);
  const FoundLayer& most = *std::max_element(
      found.begin(), found.end(), [](const FoundLayer& x, const FoundLayer& y) {
        return std::abs(x.difference) < std::abs(y.difference);
      });
  const std::string size =
      signed_number(most.difference) + std::string(test.measure->unit);
  return found.size() == 1 ? fmt::format("at layer {}: {}", most.layer, size)
                           : fmt::format("at layers {}, most at {}: {}",
                                         layer_list(layers), most.layer, size);
}

std::string where(const PairedTest& test,
                  std::span<const std::string> script_names) {
  if (test.found.empty())
    return "as a whole, though no layer alone stands against the number of "
           "tests";
  if (!test.measure->by_script) return found_words(test, test.found);
  std::map<int, std::vector<FoundLayer>> by_script;
  for (const FoundLayer& at : test.found) by_script[at.script].push_back(at);
  std::string words;
  for (const auto& [script, found] : by_script)
    words += (words.empty() ? "for " : "; for ") +
             script_names[static_cast<std::size_t>(script)] + " " +
             found_words(test, found);
  return words;
}

}  // namespace

std::string signed_number(double value) {
  return value == 0 ? "0" : fmt::format("{:+.3g}", value);
}

std::string layer_list(std::span<const int> layers) {
  std::vector<std::string> items;
  for (std::size_t begin = 0; begin < layers.size();) {
    std::size_t end = begin + 1;
    while (end < layers.size() && layers[end] == layers[end - 1] + 1) ++end;
    items.push_back(end == begin + 1 ? std::to_string(layers[begin])
                                     : fmt::format("{} to {}", layers[begin],
                                                   layers[end - 1]));
    begin = end;
  }
  return statistics::listed(items);
}

std::string test_sentence(const PairedTest& test,
                          std::span<const std::string> script_names) {
  const std::string owner = test.population.words();
  const std::string p = statistics::p_text(test.p_adjusted);
  if (!test.significant)
    return fmt::format("{}: no difference of {}{} found ({}).", owner,
                       test.measure == nullptr ? "the " : "", test.title, p);
  if (test.measure == nullptr)
    return fmt::format("{}: the {} is {:.1f} in A and {:.1f} in B ({}).", owner,
                       test.title, test.mean_a, test.mean_b, p);
  return fmt::format("{}: {} differs ({}) {}.", owner, test.title, p,
                     where(test, script_names));
}

}  // namespace lens::analysis::diff
