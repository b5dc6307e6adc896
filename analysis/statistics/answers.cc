#include "analysis/statistics/answers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <string_view>

#include "analysis/statistics/sentences.h"

namespace lens::analysis::statistics {
namespace {

std::string percent(double share) {
  return fmt::format("{:.0f} %", 100 * share);
}

std::string counted(std::int64_t count, const char* noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

// One line for each data set that has pictures enough, and for the others what
// they lack.
std::string by_dataset(const Study& study,
                       const std::function<std::string(const Group&)>& line) {
  std::string text;
  for (const Group& group : study.groups) {
    if (group.population.by != GroupBy::kDataset) continue;
    if (!text.empty()) text += '\n';
    text += group.population.words() + ": ";
    text +=
        group.pictures < study.options.least_group
            ? fmt::format("too few pictures to say ({} of {} with an answer).",
                          counted(group.samples, "sample"),
                          counted(group.pictures, "picture"))
            : line(group);
  }
  return text.empty() ? "There is no sample with an answer." : text;
}

std::string onset_line(const Study& study, const Group& group) {
  const std::vector<double>& mean = group.entropy.mean;
  const auto peak = static_cast<std::size_t>(
      mean.rend() - std::max_element(mean.rbegin(), mean.rend()) - 1);
  std::string text = fmt::format(
      "the mean entropy of {} is highest at layer {} ({:.2f} nats). ",
      counted(group.samples, "sample"), peak, mean[peak]);
  if (std::isnan(group.onset_of_mean.value)) {
    text += fmt::format(
        "It has no onset: it does not fall by {:g} nat to the last layer "
        "({:.2f} nats).",
        study.options.onset.least_range_nats, mean.back());
  } else {
    text += fmt::format(
        "From layer {} on it has come {} of the way down to the {:.2f} nats of "
        "the last layer; it falls most at layer {}, and layer {} divides the "
        "curve best in two.",
        layer_text(group.onset_of_mean),
        percent(1 - study.options.onset.fraction), mean.back(),
        layer_text(group.steepest_of_mean),
        layer_text(group.change_point_of_mean));
  }
  text += fmt::format(
      " Token by token the onset is at layer {} on average ({} with an onset, "
      "{} without).",
      layer_text(group.onset_of_tokens, 1),
      counted(group.onset_of_tokens.count, "token"), group.without_onset);
  return text;
}

std::string sentences(const Study& study, bool of_sizes) {
  std::string text;
  for (const Test& test : study.tests) {
    if (test.kind->is_relation() != of_sizes) continue;
    if (!text.empty()) text += '\n';
    // Relations name their data set themselves.
    if (!of_sizes) text += fmt::format("Onset {}: ", test.question());
    text += test.sentence;
  }
  if (!text.empty()) return text;
  return fmt::format(
      "There are too few pictures to say: a test needs {} in each group{}.",
      study.options.least_group, of_sizes ? "" : ", and two such groups");
}

// Mean share of each class over the middle third of the states.
struct MiddleLayers {
  std::size_t begin, end;  // [begin, end)
};

MiddleLayers middle_layers(int layers) {
  const auto last = static_cast<std::size_t>(layers - 1);
  return {(last + 2) / 3, std::max(2 * last / 3 + 1, (last + 2) / 3 + 1)};
}

std::string script_line(const Study& study, const Group& group,
                        MiddleLayers middle) {
  const std::size_t scripts = study.script_names.size();
  const auto states = static_cast<std::size_t>(study.layers);
  const auto share = [&](std::size_t layer, std::size_t script) {
    return group.script_share[layer * scripts + script];
  };
  std::vector<double> mean(scripts, 0.0);
  for (std::size_t c = 0; c < scripts; ++c) {
    for (std::size_t l = middle.begin; l < middle.end; ++l)
      mean[c] += share(l, c);
    mean[c] /= static_cast<double>(middle.end - middle.begin);
  }
  std::vector<std::size_t> order(scripts);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(
      order.begin(), order.end(),
      [&](std::size_t a, std::size_t b) { return mean[a] > mean[b]; });
  std::vector<std::string> items;
  for (std::size_t i = 0; i < std::min<std::size_t>(3, scripts); ++i)
    items.push_back(fmt::format(
        "{} {} ({} at layer 0, {} at the last)", study.script_names[order[i]],
        percent(mean[order[i]]), percent(share(0, order[i])),
        percent(share(states - 1, order[i]))));
  return listed(items);
}

std::string script_answer(const Study& study) {
  const MiddleLayers middle = middle_layers(study.layers);
  const bool known = study.layers > 1 && !study.script_names.empty();
  if (!known) return "The file has no middle layers to look at.";
  std::string text = fmt::format(
      "Shares of the probability by script of the token, mean over layers {} "
      "to {}; a script is not a language, and what is large at layer 0 already "
      "may only be common in the vocabulary.",
      middle.begin, middle.end - 1);
  for (const Group& group : study.groups) {
    const bool wanted = group.population.by == GroupBy::kDataset ||
                        group.population.by == GroupBy::kLanguage;
    if (!wanted || group.pictures < study.options.least_group) continue;
    text += fmt::format("\n{}, {}: {}.", group.population.words(),
                        counted(group.samples, "sample"),
                        script_line(study, group, middle));
  }
  return text;
}

// The first layer from which on `share` stays at or above `least`; -1: none.
int stays_above(const std::vector<double>& share, double least) {
  std::size_t layer = share.size();
  while (layer > 0 && share[layer - 1] >= least) --layer;
  return layer == share.size() ? metrics::kNoLayer : static_cast<int>(layer);
}

std::string reached(const std::vector<double>& share, double least) {
  const int layer = stays_above(share, least);
  return layer == metrics::kNoLayer ? "at no layer"
                                    : fmt::format("from layer {} on", layer);
}

std::string token_line(const Group& group) {
  return fmt::format(
      "the emitted token is first on top at layer {} and stays there from "
      "layer "
      "{} on (means over {}). It is on top for half of the tokens {}, for nine "
      "of ten {}.",
      layer_text(group.first_hit_of_tokens, 1),
      layer_text(group.depth_of_tokens, 1), counted(group.tokens, "token"),
      reached(group.agreement.mean, 0.5), reached(group.agreement.mean, 0.9));
}

// From the first layer that would do for one answer in a hundred.
std::string early_exit_line(const Group& group) {
  constexpr std::size_t kMost = 6;
  const std::vector<double>& same = group.same_answer.mean;
  std::size_t layer = 0;
  while (layer < same.size() && same[layer] < 0.01) ++layer;
  std::vector<std::string> shares;
  for (; layer < same.size() && shares.size() < kMost; ++layer) {
    shares.push_back(
        fmt::format("{} at layer {}", percent(same[layer]), layer));
    if (same[layer] >= 0.995) break;
  }
  return fmt::format("half of {} would be the same {}, nine of ten {}; {}.",
                     counted(group.samples, "answer"), reached(same, 0.5),
                     reached(same, 0.9), listed(shares));
}

}  // namespace

std::vector<Study::Answer> answer_questions(const Study& study) {
  return {
      {"At which layer does the entropy begin to fall?",
       by_dataset(
           study,
           [&](const Group& group) { return onset_line(study, group); })},
      {"Is that layer the same for the data sets, the languages, and right and "
       "wrong answers?",
       sentences(study, false)},
      {"Does it go with the size of the picture, of the reference or of the "
       "answer?",
       sentences(study, true)},
      {"In which script does the model think in its middle layers?",
       script_answer(study)},
      {"How early is the right token reached?", by_dataset(study, token_line)},
      {"How many answers would be the same had the model stopped at a layer?",
       by_dataset(study, early_exit_line)},
  };
}

}  // namespace lens::analysis::statistics
