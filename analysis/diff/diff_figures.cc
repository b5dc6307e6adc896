#include "analysis/diff/diff_figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "analysis/figures/figure_csv.h"
#include "analysis/figures/figures.h"

namespace lens::analysis::diff {
namespace {

using figures::CurveFigure;
using report::ReportFigure;
using statistics::Curve;

constexpr std::size_t kMostScripts = 3;

// Every step-th value from `begin` on, behind blanks for layers without one.
std::vector<double> strided(const std::vector<double>& values, int blanks,
                            std::size_t begin, std::size_t step) {
  std::vector<double> out(static_cast<std::size_t>(blanks),
                          std::numeric_limits<double>::quiet_NaN());
  for (std::size_t i = begin; i < values.size(); i += step)
    out.push_back(values[i]);
  return out;
}

// A curve of one script, or a whole one.
struct Slice {
  std::size_t script = 0, scripts = 1;
};

CurveFigure::Line line_of(const std::string& name, const Curve& curve,
                          const CurveMeasure& measure, const Slice& slice) {
  const auto part = [&](const std::vector<double>& values) {
    return strided(values, measure.first_layer, slice.script, slice.scripts);
  };
  return {.name = name,
          .mean = part(curve.mean),
          .low = part(curve.low),
          .high = part(curve.high)};
}

double top_of(const PairedCurve& curve, const RunDiff& diff) {
  switch (curve.measure->scale) {
    case CurveMeasure::Axis::kShare:
      return 1;
    case CurveMeasure::Axis::kLogarithm:
      return diff.largest_entropy;
    case CurveMeasure::Axis::kFromZero:
      break;
  }
  double top = 0;
  for (const Curve* side : {&curve.a, &curve.b})
    for (const auto* values : {&side->mean, &side->high})
      for (const double value : *values)
        if (!std::isnan(value)) top = std::max(top, value);
  return std::max(1.0, std::ceil(top));
}

std::string caption(const RunDiff& diff, const PairedGroup& group) {
  return fmt::format(
      "{} pairs of {} pictures, {} tokens each: up to the first token in which "
      "the answers differ. Below, B minus A with its own band. Bands: {:.0f} % "
      "bootstrap, pictures drawn for both runs at once, each layer by itself.",
      group.pairs, group.pictures, group.tokens,
      100 * diff.options.study.confidence);
}

ReportFigure paired_figure(const RunDiff& diff, const PairedGroup& group,
                           const PairedCurve& curve, const Slice& slice,
                           const std::string& part) {
  const CurveMeasure& measure = *curve.measure;
  std::string title(measure.title);
  title.front() = static_cast<char>(std::toupper(title.front()));
  figures::ComparisonFigure figure;
  figure.curves = {
      .title = title + (part.empty() ? "" : ", " + part) + ": " +
               group.population.words(),
      .subtitle = {},
      .y_label = std::string(measure.axis),
      .y_max = top_of(curve, diff),
      .logarithmic = measure.scale == CurveMeasure::Axis::kLogarithm,
      .lines = {line_of("A", curve.a, measure, slice),
                line_of("B", curve.b, measure, slice)}};
  figure.difference = line_of(
      "B minus A" +
          std::string(figure.curves.logarithmic ? ", natural logarithms" : ""),
      curve.difference, measure, slice);
  return {.id = std::string(measure.key) +
                (part.empty() ? "" : fmt::format("-{}", slice.script)) + "-" +
                group.population.file_key(),
          .title = figure.curves.title,
          .caption = caption(diff, group),
          .svg = figures::comparison_svg(figure),
          .csv = figures::comparison_csv(figure)};
}

// Those with the largest difference at any layer, the largest first; none that
// does not differ.
std::vector<std::size_t> telling_scripts(const Curve& difference,
                                         std::size_t scripts) {
  std::vector<double> size(scripts, 0.0);
  for (std::size_t k = 0; k < difference.mean.size(); ++k)
    size[k % scripts] =
        std::max(size[k % scripts], std::abs(difference.mean[k]));
  std::vector<std::size_t> order;
  for (std::size_t s = 0; s < scripts; ++s)
    if (size[s] > 0) order.push_back(s);
  std::stable_sort(
      order.begin(), order.end(),
      [&](std::size_t x, std::size_t y) { return size[x] > size[y]; });
  order.resize(std::min(order.size(), kMostScripts));
  return order;
}

void add_curves(const RunDiff& diff, const PairedGroup& group,
                std::vector<ReportFigure>& figures) {
  for (const PairedCurve& curve : group.curves) {
    if (!curve.measure->by_script) {
      figures.push_back(paired_figure(diff, group, curve, {}, ""));
      continue;
    }
    const std::size_t scripts = diff.script_names.size();
    for (const std::size_t script : telling_scripts(curve.difference, scripts))
      figures.push_back(paired_figure(diff, group, curve, {script, scripts},
                                      diff.script_names[script]));
  }
}

// The differences of the first measure, a line a language.
void add_languages(const RunDiff& diff, const Population& dataset,
                   std::vector<ReportFigure>& figures) {
  CurveFigure figure;
  double reach = 0;
  const CurveMeasure* measure = nullptr;
  for (const PairedGroup& group : diff.groups) {
    if (group.population.by != GroupBy::kLanguage ||
        group.population.whole() != dataset || group.curves.empty() ||
        group.curves.front().measure->by_script)
      continue;
    const PairedCurve& curve = group.curves.front();
    measure = curve.measure;
    figure.lines.push_back(line_of(
        fmt::format("{} ({} pairs)", group.population.name(), group.pairs),
        curve.difference, *measure, {}));
    for (const auto* values : {&curve.difference.mean, &curve.difference.low,
                               &curve.difference.high})
      for (const double value : *values)
        if (!std::isnan(value)) reach = std::max(reach, std::abs(value));
  }
  if (figure.lines.size() < 2) return;
  figure.title = fmt::format("B minus A by language, {}: {}", measure->title,
                             dataset.words());
  figure.y_label = "difference, " + std::string(measure->axis);
  figure.y_max = reach > 0 ? 1.08 * reach : 1;
  figure.y_min = -figure.y_max;
  figures.push_back(
      {.id = std::string(measure->key) + "-by-language-" + dataset.file_key(),
       .title = figure.title,
       .caption = "Bands as above; none where a language has fewer than " +
                  std::to_string(diff.options.study.least_group) + " pictures.",
       .svg = figures::curves_svg(figure),
       .csv = figures::curves_csv(figure)});
}

}  // namespace

std::vector<ReportFigure> diff_figures(const RunDiff& diff) {
  std::vector<ReportFigure> figures;
  for (const PairedGroup& group : diff.groups) {
    if (group.population.by != GroupBy::kDataset) continue;
    add_curves(diff, group, figures);
    add_languages(diff, group.population, figures);
  }
  return figures;
}

}  // namespace lens::analysis::diff
