#include "analysis/report/study_figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analysis/figures/figure_csv.h"
#include "analysis/figures/figures.h"
#include "analysis/report/sample_choice.h"

namespace lens::analysis::report {
namespace {

using statistics::Group;
using Member = statistics::Curve Group::*;

// Single samples drawn behind a mean.
constexpr std::size_t kThinCurves = 60;

std::string with_count(const Group& group) {
  return fmt::format("{} ({} samples)", group.population.short_words(),
                     group.samples);
}

figures::CurveFigure::Line line_of(const Group& group, Member member) {
  const statistics::Curve& curve = group.*member;
  return {.name = with_count(group),
          .mean = curve.mean,
          .low = curve.low,
          .high = curve.high};
}

std::vector<figures::CurveFigure::Line> lines_of(const Groups& groups,
                                                 Member member) {
  std::vector<figures::CurveFigure::Line> lines;
  for (const Group* group : groups) lines.push_back(line_of(*group, member));
  return lines;
}

figures::CurveFigure::Mark onset_mark(const Group& group, int line) {
  const statistics::LayerEstimate& onset = group.onset_of_mean;
  return {.label = fmt::format("onset {:.3g}", onset.value),
          .layer = onset.value,
          .low = onset.interval.low,
          .high = onset.interval.high,
          .line = line};
}

ReportFigure drawn(const std::string& id, const std::string& caption,
                   const figures::CurveFigure& figure) {
  return {.id = id,
          .title = figure.title,
          .caption = caption,
          .svg = figures::curves_svg(figure),
          .csv = figures::curves_csv(figure)};
}

// The end of the axis: the largest value of all bands, rounded up.
double top_of(const Groups& groups, Member member) {
  double top = 0;
  for (const Group* group : groups)
    for (const auto* values : {&(group->*member).mean, &(group->*member).high})
      for (const double value : *values)
        if (!std::isnan(value)) top = std::max(top, value);
  return std::max(1.0, std::ceil(top));
}

ReportFigure onset_histogram(const std::string& id, const std::string& title,
                             const Groups& groups) {
  figures::HistogramFigure figure{.title = title,
                                  .subtitle = "",
                                  .x_label = "layer of the onset",
                                  .series = {}};
  for (const Group* group : groups)
    figure.series.push_back({.name = with_count(*group),
                             .count = group->onset_histogram,
                             .without = group->without_onset});
  return {.id = id,
          .title = title,
          .caption =
              "Tokens by the layer at which their entropy falls for "
              "good below the threshold.",
          .svg = figures::histogram_svg(figure),
          .csv = figures::histogram_csv(figure)};
}

}  // namespace

std::string StudyFigures::band_words() const {
  return fmt::format(
      "Bands: {:.0f} % bootstrap over pictures, where there are {} or more.",
      100 * study_.options.confidence, study_.options.least_group);
}

const Group* StudyFigures::find_group(const Population& population) const {
  for (const Group& group : study_.groups)
    if (group.population == population) return &group;
  return nullptr;
}

std::vector<std::vector<double>> StudyFigures::thin_curves(
    const Population& dataset) const {
  std::vector<const metrics::SampleRow*> rows;
  for (const metrics::SampleTable& table : tables_)
    if (table.population == dataset)
      for (const metrics::SampleRow& row : table.rows)
        if (!row.entropy.empty()) rows.push_back(&row);
  std::vector<std::vector<double>> curves;
  for (const std::size_t i : spread_order(rows.size())) {
    if (curves.size() == kThinCurves) break;
    curves.emplace_back(rows[i]->entropy.begin(), rows[i]->entropy.end());
  }
  return curves;
}

ReportFigure StudyFigures::entropy(const Group& dataset) const {
  const Population& population = dataset.population;
  figures::CurveFigure figure = {
      .title = "Entropy by layer: " + population.words(),
      .subtitle =
          fmt::format("{} pictures, {} samples, {} tokens", dataset.pictures,
                      dataset.samples, dataset.tokens),
      .y_label = "entropy, nats",
      .y_max = largest_entropy_,
      .lines = {line_of(dataset, &Group::entropy)},
      .thin = thin_curves(population),
      .marks = {}};
  if (!std::isnan(dataset.onset_of_mean.value))
    figure.marks.push_back(onset_mark(dataset, 0));
  const std::string shown =
      figure.thin.size() < static_cast<std::size_t>(dataset.samples)
          ? fmt::format("{} samples, spread evenly over the file,",
                        figure.thin.size())
          : "All samples";
  return drawn(
      "entropy-" + population.file_key(),
      fmt::format("Mean over samples of the entropy of their answer tokens. {} "
                  "stand thin behind it. {} The mark is the onset of the mean "
                  "curve with its interval.",
                  shown, band_words()),
      figure);
}

ReportFigure StudyFigures::comparison(const statistics::Comparison& comparison,
                                      const std::string& id) const {
  const auto& [first, second, difference] = comparison;
  figures::ComparisonFigure figure;
  figure.curves.title = "Entropy by layer: " + words_of(first, second);
  figure.curves.y_label = "entropy, nats";
  figure.curves.y_max = largest_entropy_;
  for (const Population* population : {&first, &second}) {
    const Group* const group = find_group(*population);
    if (group == nullptr) continue;
    figure.curves.lines.push_back(line_of(*group, &Group::entropy));
    if (!std::isnan(group->onset_of_mean.value))
      figure.curves.marks.push_back(
          onset_mark(*group, static_cast<int>(figure.curves.lines.size()) - 1));
  }
  figure.difference = {
      .name = second.short_words() + " minus " + first.short_words(),
      .mean = difference.mean,
      .low = difference.low,
      .high = difference.high};
  return {.id = id,
          .title = figure.curves.title,
          .caption = band_words() +
                     " The lower panel is the difference, with its own band.",
          .svg = figures::comparison_svg(figure),
          .csv = figures::comparison_csv(figure)};
}

ReportFigure StudyFigures::onset(const Groups& datasets) const {
  return onset_histogram("onset", "Entropy onset of the tokens", datasets);
}

ReportFigure StudyFigures::early_exit(const Groups& datasets) const {
  return drawn(
      "early-exit",
      "Share of samples whose whole answer, the end included, a model that "
      "stops at this layer would have written. " +
          band_words(),
      {.title = "Early exit: answers that would be the same",
       .y_label = "share of samples",
       .y_max = 1,
       .lines = lines_of(datasets, &Group::same_answer)});
}

ReportFigure StudyFigures::agreement(const Groups& datasets) const {
  return drawn(
      "agreement",
      "Share of answer tokens that are the layer's top token. " + band_words(),
      {.title = "Tokens already on top",
       .y_label = "share of tokens",
       .y_max = 1,
       .lines = lines_of(datasets, &Group::agreement)});
}

ReportFigure StudyFigures::rank(const Groups& datasets) const {
  return drawn("rank",
               "Rank 1: the layer's top token is the one the model "
               "finally emitted. The CSV has natural logarithms.",
               {.title = "Rank of the emitted token by layer",
                .y_label = "rank, geometric mean",
                .y_max = largest_entropy_,
                .logarithmic = true,
                .lines = lines_of(datasets, &Group::log_rank)});
}

ReportFigure StudyFigures::distance(const Groups& datasets) const {
  return drawn("kl", band_words(),
               {.title = "Distance to the final distribution",
                .y_label = "KL(final || layer), nats",
                .y_max = top_of(datasets, &Group::kl_final),
                .lines = lines_of(datasets, &Group::kl_final)});
}

ReportFigure StudyFigures::attention(const std::string& id,
                                     const std::string& title,
                                     const Groups& groups) const {
  return drawn(
      id,
      "Attention that the token which predicts the next one gives to the "
      "picture's tokens, mean over heads and answer tokens. How large it is is "
      "no evidence of what is taken from there: part of it goes to the border "
      "and the first patches whatever they show. " +
          band_words(),
      {.title = title,
       .y_label = "share of the attention",
       .y_max = 1,
       .lines = lines_of(groups, &Group::image_attention)});
}

ReportFigure StudyFigures::stack(const std::string& id,
                                 const std::string& title,
                                 const Groups& groups) const {
  figures::StackFigure figure{.title = title,
                              .subtitle = "",
                              .parts = study_.script_names,
                              .panels = {}};
  for (const Group* group : groups)
    figure.panels.push_back(
        {.name = with_count(*group), .share = group->script_share});
  return {.id = id,
          .title = title,
          .caption =
              "Share of the probability by script of the tokens it "
              "lies on, mean over samples. A script is not a language: "
              "German, French, Italian and Vietnamese share Latin.",
          .svg = figures::stack_svg(figure),
          .csv = figures::stack_csv(figure)};
}

ReportFigure StudyFigures::scripts(const Groups& datasets) const {
  return stack("scripts", "Scripts by layer", datasets);
}

ReportFigure StudyFigures::entropy_by_language(const Population& dataset,
                                               const Groups& languages) const {
  return drawn("entropy-by-language-" + dataset.file_key(), band_words(),
               {.title = "Entropy by layer and language: " + dataset.words(),
                .y_label = "entropy, nats",
                .y_max = largest_entropy_,
                .lines = lines_of(languages, &Group::entropy)});
}

ReportFigure StudyFigures::onset_by_language(const Population& dataset,
                                             const Groups& languages) const {
  return onset_histogram("onset-by-language-" + dataset.file_key(),
                         "Entropy onset by language: " + dataset.words(),
                         languages);
}

ReportFigure StudyFigures::scripts_by_language(const Population& dataset,
                                               const Groups& languages) const {
  return stack("scripts-by-language-" + dataset.file_key(),
               "Scripts by layer and language: " + dataset.words(), languages);
}

}  // namespace lens::analysis::report
