#include "cli/results_summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <sstream>

#include "base/error.h"
#include "storage/guard.h"
#include "storage/reader.h"

namespace lens::cli {
namespace {

// One line each: the name of a data set, then its means.
void send_means(const std::filesystem::path& file,
                const storage::GuardSend& send) {
  const storage::ResultsReader results(file);
  for (const storage::DatasetSummary& dataset : results.datasets()) {
    std::string line = dataset.name;
    for (const double mean : results.read_mean_entropy(dataset.name))
      line += fmt::format("\t{}", mean);
    send(line);
  }
}

}  // namespace

std::vector<DatasetEntropy> mean_entropies(const std::filesystem::path& file) {
  // Whoever wrote the file, reading it must not end the run.
  const storage::GuardOutcome outcome = storage::run_guarded(
      [&](const storage::GuardSend& send) { send_means(file, send); },
      storage::guard_limits(file));
  if (!outcome.failure.empty())
    throw StorageError(outcome.signal == 0 && !outcome.lines.empty()
                           ? outcome.lines.back()
                           : "cannot read " + file.string() + " (" +
                                 outcome.failure +
                                 ": it is damaged); lens verify says more");
  std::vector<DatasetEntropy> datasets;
  for (const std::string& line : outcome.lines) {
    std::istringstream fields(line);
    DatasetEntropy dataset;
    std::getline(fields, dataset.name, '\t');
    for (std::string mean; std::getline(fields, mean, '\t');)
      dataset.mean.push_back(std::strtod(mean.c_str(), nullptr));
    datasets.push_back(std::move(dataset));
  }
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
