#include "cli/results_summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "storage/reader.h"

namespace lens::cli {
std::vector<DatasetEntropy> mean_entropies(const std::filesystem::path& file) {
  const storage::ResultsReader results(file);
  std::vector<DatasetEntropy> datasets;
  for (const storage::DatasetSummary& dataset : results.datasets())
    datasets.push_back({dataset.name, results.read_mean_entropy(dataset.name)});
  return datasets;
}

std::string entropy_table(const std::vector<DatasetEntropy>& datasets) {
  constexpr int kWidth = 12;
  std::size_t layers = 0;
  std::string text = "mean entropy of the answer tokens, nats\n  layer";
  for (const DatasetEntropy& dataset : datasets) {
    layers = std::max(layers, dataset.mean.size());
    text += fmt::format("{:>{}}", dataset.name, kWidth);
  }
  text += "\n";
  for (std::size_t layer = 0; layer < layers; ++layer) {
    text += fmt::format("{:>7}", layer);
    for (const DatasetEntropy& dataset : datasets)
      text += layer < dataset.mean.size() && !std::isnan(dataset.mean[layer])
                  ? fmt::format("{:>{}.4f}", dataset.mean[layer], kWidth)
                  : fmt::format("{:>{}}", "-", kWidth);
    text += "\n";
  }
  return text;
}

}  // namespace lens::cli
