#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/metrics/sample_row.h"
#include "analysis/metrics/token_metrics.h"
#include "analysis/population.h"
#include "storage/reader.h"

namespace lens::analysis::metrics {

struct SampleTable {
  Population population;  // a whole data set
  int layers = 0;
  std::vector<std::string> script_names;  // [script]
  OnsetRule onset;
  double right_score = 0;
  std::vector<SampleRow> rows;  // in the order of the file, failed ones too
};

struct SampleTableOptions {
  OnsetRule onset = {};
  // latex_ocr scores are similarities: 0.9 is "but for a slip".
  double right_score = 0.9;
  // [sample] answer tokens that what is said of its tokens is said of, from the
  // first; empty: all.
  std::vector<std::int32_t> most_tokens = {};
  // Called with the rows read so far and their number, on the caller's thread
  // while another reads: it must not use the results.
  std::function<void(std::int64_t, std::int64_t)> progress = {};
};

// Reads one data set from front to back, a few thousand token rows at a time:
// memory holds the table and two such blocks. Throws StorageError,
// and std::system_error where no thread can be had.
SampleTable read_sample_table(const storage::ResultsReader& results,
                              std::string_view dataset,
                              const SampleTableOptions& options = {});

}  // namespace lens::analysis::metrics
