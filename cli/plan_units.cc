#include "cli/plan_units.h"

#include <algorithm>

namespace lens::cli {

SelectedRows select_rows(const std::vector<data::RowOutline>& outline,
                         const std::vector<std::string>& languages,
                         std::int64_t limit) {
  SelectedRows selected;
  for (const data::RowOutline& row : outline) {
    if (limit > 0 && selected.samples >= limit) break;
    if (!languages.empty() && std::find(languages.begin(), languages.end(),
                                        row.language) == languages.end())
      continue;
    selected.rows.push_back(row);
    selected.samples += row.samples;
  }
  if (limit > 0) selected.samples = std::min(selected.samples, limit);
  return selected;
}

std::int64_t auto_unit_images(const std::string& device,
                              std::int64_t most_rows) {
  const std::int64_t usual = device == "cuda" ? 512 : 32;
  const std::int64_t needed =
      (most_rows + kMaxUnitsPerDataset - 1) / kMaxUnitsPerDataset;
  return std::max(usual, needed);
}

void append_units(const std::string& dataset, const SelectedRows& selected,
                  std::int64_t unit_images, std::vector<storage::Unit>& units) {
  std::int64_t first_sample = 0;
  const std::int64_t rows = static_cast<std::int64_t>(selected.rows.size());
  for (std::int64_t begin = 0; begin < rows; begin += unit_images) {
    const std::int64_t end = std::min(begin + unit_images, rows);
    std::int64_t samples = 0;
    for (std::int64_t i = begin; i < end; ++i)
      samples += selected.rows[static_cast<std::size_t>(i)].samples;
    // Only the limit cuts: in the last row of the last unit.
    samples = std::min(samples, selected.samples - first_sample);
    units.push_back(
        {.index = static_cast<std::int32_t>(units.size()),
         .dataset = dataset,
         .row_begin = selected.rows[static_cast<std::size_t>(begin)].row,
         .row_end = selected.rows[static_cast<std::size_t>(end - 1)].row + 1,
         .first_sample = first_sample,
         .samples = samples});
    first_sample += samples;
  }
}

}  // namespace lens::cli
