#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "analysis/export/measures.h"
#include "analysis/export/sample_block.h"
#include "analysis/metrics/sample_table.h"

namespace lens::analysis::tables {

// Key-value pairs of the file's footer, beside the schema.
using ParquetMetadata = std::vector<std::pair<std::string, std::string>>;

// long.parquet: the columns of long.csv, and of what data set and language. A
// missing value is NaN. Row groups are bounded and text is dictionary-encoded:
// memory holds one row group in its encoded form. Throws StorageError.
class LongParquet {
 public:
  LongParquet(std::filesystem::path file, MeasureColumns measures,
              const ParquetMetadata& metadata);
  ~LongParquet();
  LongParquet(const LongParquet&) = delete;
  LongParquet& operator=(const LongParquet&) = delete;

  void append(const SampleBlock& block,
              const std::vector<std::string>& token_text);
  void commit();  // until then the file has another name

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// samples.parquet: the columns of samples.csv, the verdict, and the means by
// layer as lists. A failed sample or one without an answer has null lists.
class SamplesParquet {
 public:
  SamplesParquet(std::filesystem::path file, const ParquetMetadata& metadata);
  ~SamplesParquet();
  SamplesParquet(const SamplesParquet&) = delete;
  SamplesParquet& operator=(const SamplesParquet&) = delete;

  // `table` has the rows of the whole data set.
  void append(const SampleBlock& block, const metrics::SampleTable& table);
  void commit();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lens::analysis::tables
