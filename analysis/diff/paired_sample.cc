#include "analysis/diff/paired_sample.h"

#include <algorithm>
#include <map>

#include "analysis/metrics/sample_group.h"

namespace lens::analysis::diff {
namespace {

std::string value_of(const PairedSample& pair, GroupBy by) {
  std::string value = metrics::group_value(*pair.a, by);
  if (by == GroupBy::kVerdict && value != metrics::group_value(*pair.b, by))
    return "";
  return value;
}

bool all_have(std::span<const PairedSamples> datasets,
              const CurveMeasure& measure) {
  std::size_t length = 0;
  for (const PairedSamples& dataset : datasets)
    for (const PairedSample& pair : dataset.pairs) {
      const std::size_t a = (pair.a->*measure.curve).size();
      if (length == 0) length = a;
      if (a == 0 || a != length || (pair.b->*measure.curve).size() != a)
        return false;
    }
  return length > 0;
}

}  // namespace

std::vector<PairedPicture> pictures_of(const std::vector<PairedSample>& pairs) {
  std::vector<PairedPicture> pictures;
  for (std::size_t begin = 0; begin < pairs.size();) {
    std::size_t end = begin + 1;
    while (end < pairs.size() &&
           pairs[end].a->source_row == pairs[begin].a->source_row)
      ++end;
    pictures.push_back(PairedPicture(pairs).subspan(begin, end - begin));
    begin = end;
  }
  return pictures;
}

PairedSamples by_picture(const Population& dataset,
                         std::vector<PairedSample> pairs) {
  std::stable_sort(pairs.begin(), pairs.end(),
                   [](const PairedSample& x, const PairedSample& y) {
                     return x.a->source_row < y.a->source_row;
                   });
  return {.population = dataset, .pairs = std::move(pairs)};
}

std::vector<PairedSamples> groups_of(const PairedSamples& dataset, GroupBy by) {
  std::map<std::string, std::vector<PairedSample>> by_value;
  for (const PairedSample& pair : dataset.pairs) {
    const std::string value = value_of(pair, by);
    if (by == GroupBy::kDataset || !value.empty())
      by_value[value].push_back(pair);
  }
  std::vector<PairedSamples> groups;
  for (auto& [value, pairs] : by_value) {
    Population population = dataset.population;
    population.by = by;
    population.value = value;
    groups.push_back(
        {.population = std::move(population), .pairs = std::move(pairs)});
  }
  return groups;
}

std::vector<const CurveMeasure*> measures_of(
    std::span<const PairedSamples> datasets, bool same_vocabulary,
    bool same_scripts) {
  std::vector<const CurveMeasure*> measures;
  for (const CurveMeasure& measure : curve_measures())
    if ((same_vocabulary || measure.of_any_vocabulary) &&
        (same_scripts || !measure.by_script) && all_have(datasets, measure))
      measures.push_back(&measure);
  return measures;
}

}  // namespace lens::analysis::diff
