#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "input/data/dataset.h"
#include "storage/manifest.h"

namespace lens::cli {

// More units than this in one data set and units grow instead: the ledger, the
// folder of parts and the merge stay quick.
inline constexpr std::int64_t kMaxUnitsPerDataset = 50'000;

// The rows of one data set that a run reads, in row order.
struct SelectedRows {
  std::vector<data::RowOutline> rows;
  std::int64_t samples = 0;  // of these rows, after the limit
};

// Rows whose language is chosen (all where `languages` is empty), cut after the
// row in which the limit is reached; limit 0: none.
SelectedRows select_rows(const std::vector<data::RowOutline>& outline,
                         const std::vector<std::string>& languages,
                         std::int64_t limit);

// Images of one unit: 32 on CPUs, 512 on GPUs, or as many as keep the largest
// data set within kMaxUnitsPerDataset.
std::int64_t auto_unit_images(const std::string& device,
                              std::int64_t most_rows);

// Cuts the selected rows into units of `unit_images` rows; the last may be
// smaller. Indices count on from units.size().
void append_units(const std::string& dataset, const SelectedRows& selected,
                  std::int64_t unit_images, std::vector<storage::Unit>& units);

}  // namespace lens::cli
