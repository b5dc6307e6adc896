#include "analysis/report/figure_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analysis/figures/figure_csv.h"
#include "analysis/figures/figures.h"
#include "analysis/report/sample_choice.h"

namespace lens::analysis::report {
namespace {

using Groups = std::vector<const statistics::Group*>;
using Member = statistics::Curve statistics::Group::*;

// Single samples drawn behind a mean.
constexpr std::size_t kThinCurves = 60;

Groups whole_datasets(const statistics::Study& study) {
  Groups groups;
  for (const statistics::Group& group : study.groups)
    if (group.population.by == GroupBy::kDataset && group.samples > 0)
      groups.push_back(&group);
  return groups;
}

Groups languages_of(const statistics::Study& study, const Population& dataset) {
  Groups groups;
  for (const statistics::Group& group : study.groups)
    if (group.population.by == GroupBy::kLanguage && group.samples > 0 &&
        group.population.whole() == dataset)
      groups.push_back(&group);
  return groups;
}

std::string with_count(const statistics::Group& group) {
  return fmt::format("{} ({} samples)", group.population.short_words(),
                     group.samples);
}

figures::CurveFigure::Line line_of(const statistics::Group& group,
                                   Member member) {
  const statistics::Curve& curve = group.*member;
  return {.name = with_count(group),
          .mean = curve.mean,
          .low = curve.low,
          .high = curve.high};
}

figures::CurveFigure::Mark onset_mark(const statistics::Group& group,
                                      int line) {
  const statistics::LayerEstimate& onset = group.onset_of_mean;
  return {.label = fmt::format("onset {:.3g}", onset.value),
          .layer = onset.value,
          .low = onset.interval.low,
          .high = onset.interval.high,
          .line = line};
}

std::string band_words(const statistics::Study& study) {
  return fmt::format(
      "Bands: {:.0f} % bootstrap over pictures, where there are {} or more.",
      100 * study.options.confidence, study.options.least_group);
}

std::vector<std::vector<double>> thin_curves(
    std::span<const metrics::SampleTable> tables, const Population& dataset) {
  std::vector<const metrics::SampleRow*> rows;
  for (const metrics::SampleTable& table : tables)
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

ReportFigure entropy_of_dataset(const statistics::Study& study,
                                const statistics::Group& group,
                                std::span<const metrics::SampleTable> tables,
                                double largest) {
  figures::CurveFigure figure;
  figure.title = "Entropy by layer: " + group.population.words();
  figure.subtitle = fmt::format("{} pictures, {} samples, {} tokens",
                                group.pictures, group.samples, group.tokens);
  figure.y_label = "entropy, nats";
  figure.y_max = largest;
  figure.lines = {line_of(group, &statistics::Group::entropy)};
  figure.thin = thin_curves(tables, group.population);
  if (!std::isnan(group.onset_of_mean.value))
    figure.marks.push_back(onset_mark(group, 0));
  const std::string shown =
      figure.thin.size() < static_cast<std::size_t>(group.samples)
          ? fmt::format("{} samples, spread evenly over the file,",
                        figure.thin.size())
          : "All samples";
  return {.id = "entropy-" + group.population.file_key(),
          .title = figure.title,
          .caption = fmt::format(
              "Mean over samples of the entropy of their answer tokens. {} "
              "stand thin behind it. {} The mark is the onset of the mean "
              "curve with its interval.",
              shown, band_words(study)),
          .svg = figures::curves_svg(figure),
          .csv = figures::curves_csv(figure)};
}

ReportFigure curves(const std::string& id, const std::string& title,
                    const std::string& y_label, double y_max,
                    const Groups& groups, Member member) {
  figures::CurveFigure figure;
  figure.title = title;
  figure.y_label = y_label;
  figure.y_max = y_max;
  for (const statistics::Group* group : groups)
    figure.lines.push_back(line_of(*group, member));
  return {.id = id,
          .title = title,
          .caption = "",
          .svg = figures::curves_svg(figure),
          .csv = figures::curves_csv(figure)};
}

ReportFigure rank_curves(const Groups& groups, double largest) {
  figures::CurveFigure figure;
  figure.title = "Rank of the emitted token by layer";
  figure.y_label = "rank, geometric mean";
  figure.y_max = largest;
  figure.logarithmic = true;
  for (const statistics::Group* group : groups)
    figure.lines.push_back(line_of(*group, &statistics::Group::log_rank));
  return {.id = "rank",
          .title = figure.title,
          .caption =
              "Rank 1: the layer's top token is the one the model "
              "finally emitted. The CSV has natural logarithms.",
          .svg = figures::curves_svg(figure),
          .csv = figures::curves_csv(figure)};
}

// The end of the axis: the largest value of all bands, rounded up.
double top_of(const Groups& groups, Member member) {
  double top = 0;
  for (const statistics::Group* group : groups)
    for (const auto* values : {&(group->*member).mean, &(group->*member).high})
      for (const double value : *values)
        if (!std::isnan(value)) top = std::max(top, value);
  return std::max(1.0, std::ceil(top));
}

const statistics::Group* find_group(const statistics::Study& study,
                                    const Population& population) {
  for (const statistics::Group& group : study.groups)
    if (group.population == population) return &group;
  return nullptr;
}

// The curves of two groups, and their difference as the study resampled it.
ReportFigure comparison_figure(const statistics::Study& study,
                               const statistics::Comparison& comparison,
                               const std::string& id, double largest) {
  figures::ComparisonFigure figure;
  figure.curves.title =
      "Entropy by layer: " + words_of(comparison.first, comparison.second);
  figure.curves.y_label = "entropy, nats";
  figure.curves.y_max = largest;
  for (const Population* population : {&comparison.first, &comparison.second}) {
    const statistics::Group* const group = find_group(study, *population);
    if (group == nullptr) continue;
    figure.curves.lines.push_back(line_of(*group, &statistics::Group::entropy));
    if (!std::isnan(group->onset_of_mean.value))
      figure.curves.marks.push_back(
          onset_mark(*group, static_cast<int>(figure.curves.lines.size()) - 1));
  }
  const statistics::Curve& difference = comparison.entropy_difference;
  figure.difference = {.name = comparison.second.short_words() + " minus " +
                               comparison.first.short_words(),
                       .mean = difference.mean,
                       .low = difference.low,
                       .high = difference.high};
  return {.id = id,
          .title = figure.curves.title,
          .caption = band_words(study) +
                     " The lower panel is the difference, with its own band.",
          .svg = figures::comparison_svg(figure),
          .csv = figures::comparison_csv(figure)};
}

// The first of its kind has the plain id.
std::string numbered(const std::string& id, int count) {
  return count > 1 ? fmt::format("{}-{}", id, count) : id;
}

void add_comparisons_of_datasets(const statistics::Study& study, double largest,
                                 std::vector<ReportFigure>& figures) {
  int count = 0;
  for (const statistics::Comparison& comparison : study.comparisons)
    if (comparison.first.by == GroupBy::kDataset)
      figures.push_back(comparison_figure(
          study, comparison, numbered("comparison", ++count), largest));
}

void add_comparisons_of_verdicts(const statistics::Study& study,
                                 const Population& dataset, double largest,
                                 std::vector<ReportFigure>& figures) {
  int count = 0;
  for (const statistics::Comparison& comparison : study.comparisons)
    if (comparison.first.by == GroupBy::kVerdict &&
        comparison.first.whole() == dataset)
      figures.push_back(comparison_figure(
          study, comparison,
          numbered("comparison-by-verdict-" + dataset.file_key(), ++count),
          largest));
}

ReportFigure histogram(const std::string& id, const std::string& title,
                       const std::string& x_label, const Groups& groups) {
  figures::HistogramFigure figure{
      .title = title, .subtitle = "", .x_label = x_label, .series = {}};
  for (const statistics::Group* group : groups)
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

ReportFigure scripts(const statistics::Study& study, const std::string& id,
                     const std::string& title, const Groups& groups) {
  figures::StackFigure figure{.title = title,
                              .subtitle = "",
                              .parts = study.script_names,
                              .panels = {}};
  for (const statistics::Group* group : groups)
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

void add_of_dataset(const statistics::Study& study, const Population& dataset,
                    double largest, std::vector<ReportFigure>& figures) {
  const std::string key = dataset.file_key(), words = dataset.words();
  const Groups languages = languages_of(study, dataset);
  if (languages.size() > 1) {
    figures.push_back(curves(
        "entropy-by-language-" + key, "Entropy by layer and language: " + words,
        "entropy, nats", largest, languages, &statistics::Group::entropy));
    figures.back().caption = band_words(study);
    figures.push_back(histogram("onset-by-language-" + key,
                                "Entropy onset by language: " + words,
                                "layer of the onset", languages));
  }
  add_comparisons_of_verdicts(study, dataset, largest, figures);
  if (languages.size() > 1)
    figures.push_back(scripts(study, "scripts-by-language-" + key,
                              "Scripts by layer and language: " + words,
                              languages));
}

}  // namespace

std::vector<ReportFigure> make_figures(
    const statistics::Study& study,
    std::span<const metrics::SampleTable> tables, double largest_entropy) {
  std::vector<ReportFigure> figures;
  const Groups datasets = whole_datasets(study);
  if (datasets.empty()) return figures;
  for (const statistics::Group* group : datasets)
    figures.push_back(
        entropy_of_dataset(study, *group, tables, largest_entropy));
  add_comparisons_of_datasets(study, largest_entropy, figures);
  figures.push_back(histogram("onset", "Entropy onset of the tokens",
                              "layer of the onset", datasets));
  figures.push_back(
      curves("early-exit", "Early exit: answers that would be the same",
             "share of samples", 1, datasets, &statistics::Group::same_answer));
  figures.back().caption =
      "Share of samples whose whole answer, the end included, a model that "
      "stops at this layer would have written. " +
      band_words(study);
  figures.push_back(curves("agreement", "Tokens already on top",
                           "share of tokens", 1, datasets,
                           &statistics::Group::agreement));
  figures.back().caption =
      "Share of answer tokens that are the layer's top token. " +
      band_words(study);
  figures.push_back(rank_curves(datasets, largest_entropy));
  figures.push_back(curves("kl", "Distance to the final distribution",
                           "KL(final || layer), nats",
                           top_of(datasets, &statistics::Group::kl_final),
                           datasets, &statistics::Group::kl_final));
  figures.back().caption = band_words(study);
  figures.push_back(scripts(study, "scripts", "Scripts by layer", datasets));
  for (const statistics::Group* group : datasets)
    add_of_dataset(study, group->population, largest_entropy, figures);
  return figures;
}

}  // namespace lens::analysis::report
