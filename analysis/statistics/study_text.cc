#include "analysis/statistics/study_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>

#include "analysis/statistics/sentences.h"

namespace lens::analysis::statistics {
namespace {

constexpr std::size_t kWidth = 100;

// One statement, broken between words; lines after the first stand further in.
std::string wrapped(std::string_view statement) {
  std::string text, line = "  ";
  while (!statement.empty()) {
    const std::string_view word = statement.substr(0, statement.find(' '));
    if (line.size() + 1 + word.size() > kWidth && line.size() > 4) {
      text += line + "\n";
      line = "    ";
    } else if (line.back() != ' ') {
      line += ' ';
    }
    line += word;
    statement.remove_prefix(std::min(statement.size(), word.size() + 1));
  }
  return text + line + "\n";
}

std::string answer_text(const Study::Answer& answer) {
  std::string text = answer.question + "\n";
  std::string_view rest = answer.answer;
  while (!rest.empty()) {
    const std::string_view statement = rest.substr(0, rest.find('\n'));
    text += wrapped(statement);
    rest.remove_prefix(std::min(rest.size(), statement.size() + 1));
  }
  return text + "\n";
}

// Columns as wide as fmt's counts make them: names are Latin in practice.
std::string row(std::string_view name, std::string_view pictures,
                std::string_view samples, std::string_view tokens,
                std::string_view of_mean, std::string_view of_tokens,
                std::string_view first_hit, std::string_view depth) {
  return fmt::format("{:<26} {:>8} {:>7} {:>7}  {:<13} {:<17} {:>9} {:>5}\n",
                     name, pictures, samples, tokens, of_mean, of_tokens,
                     first_hit, depth);
}

std::string short_layer(const LayerEstimate& estimate) {
  LayerEstimate bare = {.value = estimate.value,
                        .interval = {std::nan(""), std::nan("")}};
  return layer_text(bare, 1);
}

std::string table(const Study& study) {
  std::string text =
      row("group", "pictures", "samples", "tokens", "onset (mean)",
          "onset (tokens)", "first hit", "depth");
  for (const Group& group : study.groups) {
    text += row(group.population.words(), std::to_string(group.pictures),
                std::to_string(group.samples), std::to_string(group.tokens),
                layer_text(group.onset_of_mean),
                layer_text(group.onset_of_tokens, 1),
                short_layer(group.first_hit_of_tokens),
                short_layer(group.depth_of_tokens));
  }
  return text;
}

std::string footing(const StudyOptions& options) {
  return fmt::format(
      "Onset: the first layer after the peak from which on the entropy stays "
      "below {:g} of its fall\n(at least {:g} nat). Brackets: {:g} % bootstrap "
      "intervals, {} resamples of pictures.\np: {} permutations, corrected by "
      "Holm. Seed {}.\n",
      options.onset.fraction, options.onset.least_range_nats,
      100 * options.confidence, options.bootstrap_resamples,
      options.permutations, options.seed);
}

}  // namespace

std::string study_text(const Study& study) {
  std::string text;
  for (const Study::Answer& answer : study.answers) text += answer_text(answer);
  return text + table(study) + "\n" + footing(study.options);
}

}  // namespace lens::analysis::statistics
