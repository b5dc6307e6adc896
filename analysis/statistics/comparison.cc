#include "analysis/statistics/comparison.h"

#include "analysis/statistics/bootstrap.h"

namespace lens::analysis {
namespace {

bool comparable(const Group& a, const Group& b, std::int64_t least) {
  if (a.samples < least || b.samples < least || a.by != b.by) return false;
  if (a.by == GroupBy::kDataset) return true;
  return a.by == GroupBy::kVerdict && a.dataset == b.dataset;
}

// Resample b of the one less resample b of the other: they were drawn apart.
Curve difference(const GroupStudy& first, const GroupStudy& second,
                 std::size_t layers, double confidence) {
  const auto& a = first.resampled_entropy;
  const auto& b = second.resampled_entropy;
  Curve curve;
  for (std::size_t l = 0; l < layers; ++l) {
    curve.mean.push_back(second.group.entropy.mean[l] -
                         first.group.entropy.mean[l]);
    std::vector<double> values;
    for (std::size_t at = l; at < a.size(); at += layers)
      values.push_back(b[at] - a[at]);
    const Interval band = percentile_interval(std::move(values), confidence);
    curve.low.push_back(band.low);
    curve.high.push_back(band.high);
  }
  return curve;
}

Comparison compare(const GroupStudy& first, const GroupStudy& second,
                   std::size_t layers, double confidence) {
  const bool datasets = first.group.by == GroupBy::kDataset;
  const std::string& dataset = first.group.dataset;
  Comparison comparison;
  comparison.by = first.group.by;
  comparison.dataset = datasets ? "" : dataset;
  comparison.first = datasets ? dataset : first.group.value;
  comparison.second = datasets ? second.group.dataset : second.group.value;
  comparison.name = comparison.first + " and " + comparison.second;
  if (!datasets) comparison.name += " answers of " + dataset;
  comparison.entropy_difference = difference(first, second, layers, confidence);
  return comparison;
}

}  // namespace

std::vector<Comparison> compare_groups(std::span<const GroupStudy> groups,
                                       int layers,
                                       const StudyOptions& options) {
  std::vector<Comparison> comparisons;
  for (std::size_t i = 0; i < groups.size(); ++i)
    for (std::size_t j = i + 1; j < groups.size(); ++j)
      if (comparable(groups[i].group, groups[j].group, options.least_group))
        comparisons.push_back(compare(groups[i], groups[j],
                                      static_cast<std::size_t>(layers),
                                      options.confidence));
  return comparisons;
}

}  // namespace lens::analysis
