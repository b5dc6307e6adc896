#include "analysis/statistics/comparison.h"

#include <map>

#include "analysis/statistics/bootstrap.h"

namespace lens::analysis::statistics {
namespace {

bool comparable(const Group& a, const Group& b, std::int64_t least) {
  const Population& first = a.population;
  const Population& second = b.population;
  if (a.pictures < least || b.pictures < least || first.by != second.by ||
      first.run != second.run)
    return false;
  if (first.by == GroupBy::kDataset) return true;
  return first.by == GroupBy::kVerdict && first.dataset == second.dataset;
}

// Mean entropies of resamples of two groups, [resample, layer].
struct ResampledPair {
  std::vector<double> first, second;
};

// Sums of entropy and numbers of samples of both groups, one row to a picture:
// [first's layers, first's samples, second's layers, second's samples].
ClusterMatrix joint_matrix(const GroupStudy& first, const GroupStudy& second,
                           std::size_t layers) {
  std::map<std::int64_t, std::pair<Picture, Picture>> pictures;
  for (const Picture picture : pictures_of(first.rows))
    pictures[picture.front()->source_row].first = picture;
  for (const Picture picture : pictures_of(second.rows))
    pictures[picture.front()->source_row].second = picture;
  ClusterMatrix matrix = {.columns = 2 * (layers + 1)};
  const auto add = [&](Picture picture, std::span<double> sums) {
    for (const metrics::SampleRow* row : picture)
      for (std::size_t l = 0; l < layers; ++l) sums[l] += row->entropy[l];
    sums[layers] += static_cast<double>(picture.size());
  };
  for (const auto& [row, pair] : pictures) {
    const std::span<double> sums = matrix.add_row();
    add(pair.first, sums.first(layers + 1));
    add(pair.second, sums.last(layers + 1));
  }
  return matrix;
}

// Two groups of one data set share pictures, which are drawn for both at once.
ResampledPair resample_together(const GroupStudy& first,
                                const GroupStudy& second, std::size_t layers,
                                const StudyOptions& options) {
  const Population& population = first.group.population;
  const RandomStream stream(options.seed,
                            "bootstrap/" + population.dataset + "/" +
                                std::string(key_of(population.by)));
  const std::vector<double> sums = resampled_sums(
      joint_matrix(first, second, layers), options.bootstrap_resamples, stream);
  ResampledPair pair;
  for (std::size_t at = 0; at < sums.size(); at += 2 * (layers + 1)) {
    const double* of_first = sums.data() + at;
    const double* of_second = of_first + layers + 1;
    for (std::size_t l = 0; l < layers; ++l) {
      pair.first.push_back(of_first[l] / of_first[layers]);
      pair.second.push_back(of_second[l] / of_second[layers]);
    }
  }
  return pair;
}

Curve difference(const GroupStudy& first, const GroupStudy& second,
                 const ResampledPair& resampled, std::size_t layers,
                 double confidence) {
  const auto& [a, b] = resampled;
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
                   std::size_t layers, const StudyOptions& options) {
  Comparison comparison;
  comparison.first = first.group.population;
  comparison.second = second.group.population;
  // Data sets have no picture in common, so what each was resampled to by
  // itself will do.
  const ResampledPair resampled =
      comparison.first.by == GroupBy::kDataset
          ? ResampledPair{first.resampled_entropy, second.resampled_entropy}
          : resample_together(first, second, layers, options);
  comparison.entropy_difference =
      difference(first, second, resampled, layers, options.confidence);
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
        comparisons.push_back(compare(
            groups[i], groups[j], static_cast<std::size_t>(layers), options));
  return comparisons;
}

}  // namespace lens::analysis::statistics
