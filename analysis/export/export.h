#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/source.h"

namespace lens::analysis::tables {

struct ExportOptions {
  std::filesystem::path csv = {};          // folder; empty: no CSV
  std::filesystem::path parquet = {};      // folder; empty: no Parquet
  std::vector<std::string> datasets = {};  // empty: all
  bool sample_files = true;                // the two CSV files of each sample
  bool long_table = true;                  // a record for each token and layer
  // Called with the data set, the samples written so far and their number.
  std::function<void(std::string_view, std::int64_t, std::int64_t)> progress =
      {};
};

struct ExportSummary {
  std::int64_t samples = 0;
  std::int64_t samples_failed = 0;
  std::int64_t sample_files = 0;
  std::int64_t long_records = 0;  // of one long table: tokens times layers
};

// Writes the tables that docs/reading-results.md lists. Streams: memory holds
// a few thousand token rows, a row group of Parquet and the sample table. Each
// file appears whole under its name and takes the place of an older one; other
// files in the folder stay. A failed sample has no file of its own and stands
// in samples.csv with its reason.
//
// Throws InputError: no such data set, neither folder given, or a folder that
// holds the tables of another run; StorageError: a file that cannot be
// read or written.
ExportSummary export_tables(const Source& source, const ExportOptions& options);

}  // namespace lens::analysis::tables
