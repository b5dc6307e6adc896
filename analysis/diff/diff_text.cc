#include "analysis/diff/diff_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analysis/diff/parting_map.h"
#include "analysis/statistics/sentences.h"
#include "analysis/view/terminal_text.h"

namespace lens::analysis::diff {
namespace {

// Answers named one by one without a picture.
constexpr std::size_t kListed = 20;
constexpr int kNameWidth = 24;
constexpr int kGroupWidth = 26;

std::string run_line(char name, const std::string& file,
                     const storage::ResultsInfo& info) {
  return fmt::format("{}  {}, {} {}, run {}\n", name, file,
                     view::one_line_text(info.model_name), info.dtype,
                     info.run_id.substr(0, 12));
}

std::string settings_text(const RunDiff& diff, int width) {
  if (diff.settings.empty())
    return "Model, tokenizer, software and configuration are the same.\n\n";
  std::string text = "What differs in the configurations\n";
  const int room = std::max(12, (width - kNameWidth - 8) / 2);
  for (const Setting& setting : diff.settings)
    text += fmt::format("  {} {} | {}\n", view::fit(setting.name, kNameWidth),
                        view::fit(view::one_line_text(setting.a), room),
                        view::fit(view::one_line_text(setting.b), room));
  return text + "\n";
}

std::string tests_text(const RunDiff& diff, int width) {
  if (diff.tests.empty())
    return fmt::format(
        "No data set has {} pictures in both runs: nothing is tested.\n\n",
        diff.options.study.least_group);
  std::string text = "What differs in the results\n";
  for (const bool significant : {true, false})
    for (const PairedTest& test : diff.tests)
      if (test.significant == significant)
        text += "  " + view::wrapped(test.sentence, width - 2, 4) + "\n";
  return text + "\n";
}

std::string ends(const PairedNumber& number, int decimals) {
  if (std::isnan(number.a.value) || std::isnan(number.b.value)) return "-";
  return fmt::format("{:.{}f} {:.{}f}", number.a.value, decimals,
                     number.b.value, decimals);
}

std::string difference(const PairedNumber& number, int decimals) {
  const auto& [value, interval, count] = number.difference;
  if (std::isnan(value)) return "-";
  std::string text = fmt::format("{:+.{}f}", value, decimals);
  if (!std::isnan(interval.low))
    text += fmt::format(" [{:+.{}f}, {:+.{}f}]", interval.low, decimals,
                        interval.high, decimals);
  return text;
}

std::string table_row(std::string_view name, std::string_view pairs,
                      std::string_view onset, std::string_view onset_apart,
                      std::string_view depth, std::string_view depth_apart,
                      std::string_view score) {
  std::string row = fmt::format("{} {:>5} {:<10} {:<17} {:<10} {:<17} {:<9}",
                                view::fit(name, kGroupWidth), pairs, onset,
                                onset_apart, depth, depth_apart, score);
  row.erase(row.find_last_not_of(' ') + 1);
  return row + "\n";
}

std::string groups_text(const RunDiff& diff) {
  if (diff.groups.empty()) return "";
  std::string text = table_row("group", "pairs", "onset A, B", "B - A",
                               "depth A, B", "B - A", "score A, B");
  for (const PairedGroup& group : diff.groups)
    text += table_row(
        view::one_line_text(group.population.words()),
        std::to_string(group.pairs), ends(group.onset_of_tokens, 1),
        difference(group.onset_of_tokens, 1), ends(group.depth_of_tokens, 1),
        difference(group.depth_of_tokens, 1), ends(group.score, 2));
  return text + "\n";
}

std::string counts_text(const RunDiff& diff) {
  std::string text;
  for (const DatasetDiff& dataset : diff.datasets) {
    const std::size_t pairs = dataset.pairing.pairs.size();
    if (pairs == 0) continue;
    text += fmt::format(
        "{}: {} of {} answers changed; right in both {}, in A alone {}, in B "
        "alone {}, in neither {}\n",
        dataset.pairing.dataset, dataset.changed, pairs, dataset.verdicts[0][0],
        dataset.verdicts[0][1], dataset.verdicts[1][0], dataset.verdicts[1][1]);
  }
  return text;
}

std::string answer_heading(const ChangedAnswer& changed) {
  return fmt::format("{}/{}, from token {} on", changed.dataset,
                     view::one_line_text(changed.sample_id),
                     changed.position + 1);
}

std::string answers_text(const RunDiff& diff, const DiffTextOptions& options) {
  std::string text;
  std::size_t shown = 0, listed = 0;
  for (const std::size_t i : opening_order(diff.changed)) {
    const ChangedAnswer& changed = diff.changed[i];
    if (changed.opened && shown < options.opened) {
      ++shown;
      text += "\n" + answer_heading(changed) + "\n" +
              parting_map(changed, {.largest_entropy = diff.largest_entropy,
                                    .colour = options.colour,
                                    .width = options.width});
      continue;
    }
    if (listed == kListed) continue;
    if (listed++ == 0) text += "\n";
    const int room = std::max(10, (options.width - 40) / 2);
    text += fmt::format("{} {} | {}\n", view::fit(answer_heading(changed), 34),
                        view::fit(view::one_line_text(changed.answer_a), room),
                        view::fit(view::one_line_text(changed.answer_b), room));
  }
  const std::size_t left = diff.changed.size() - shown - listed;
  if (left > 0)
    text +=
        fmt::format("and {} more: all are in --json, and on the page\n", left);
  return text;
}

std::string footing(const statistics::StudyOptions& options) {
  return fmt::format(
      "\nPairs share data set and id; tokens are compared up to the first that "
      "differs. Brackets: {:g} %\nbootstrap over pictures, {} resamples. p: {} "
      "flips of pictures, corrected by Holm. Seed {}.\n",
      100 * options.confidence, options.bootstrap_resamples,
      options.permutations, options.seed);
}

}  // namespace

std::string diff_text(const RunDiff& diff, const DiffTextOptions& options) {
  std::string text = run_line('A', diff.names[0], diff.infos[0]) +
                     run_line('B', diff.names[1], diff.infos[1]) + "\n" +
                     settings_text(diff, options.width);
  for (const std::string& note : diff.notes)
    text += "Note: " +
            view::wrapped(view::one_line_text(note), options.width - 6, 6) +
            "\n";
  if (!diff.notes.empty()) text += "\n";
  return text + tests_text(diff, options.width) + groups_text(diff) +
         counts_text(diff) + answers_text(diff, options) +
         footing(diff.options.study);
}

}  // namespace lens::analysis::diff
