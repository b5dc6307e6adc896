#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace lens::cli {

// Mean entropy by state over the samples of one data set, in nats.
struct DatasetEntropy {
  std::string name;
  std::vector<double> mean;  // [layer]; NaN where no sample has one
};

// One entry per data set of a results file. Throws StorageError.
std::vector<DatasetEntropy> mean_entropies(const std::filesystem::path& file);

// A table with one row per layer and one column per data set.
std::string entropy_table(const std::vector<DatasetEntropy>& datasets);

}  // namespace lens::cli
