#pragma once

#include <arrow/type_fwd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/export/measures.h"
#include "analysis/export/rows.h"
#include "analysis/export/sample_block.h"
#include "analysis/metrics/sample_table.h"
#include "storage/vocabulary.h"

namespace lens::analysis::tables {

// A table's columns and which of them its CSV and its Parquet file have, as
// places in `all`.
struct TableColumns {
  std::shared_ptr<arrow::Schema> all;
  std::vector<int> csv;
  std::vector<int> parquet;
};

// long.csv, long.parquet: a row for each token and layer, in the order of the
// file.
class LongTable {
 public:
  explicit LongTable(MeasureColumns measures);

  const TableColumns& columns() const { return columns_; }
  std::shared_ptr<arrow::RecordBatch> rows(
      const SampleBlock& block, const std::vector<std::string>& token_text);

 private:
  const MeasureColumns measures_;
  const TableColumns columns_;
  Rows rows_;
};

// samples.csv, samples.parquet: a row for each sample, failed ones too. In
// Parquet the means by layer are lists, null for a failed sample or one without
// an answer.
class SamplesTable {
 public:
  // `table` has the rows of the whole data set. Not owned.
  explicit SamplesTable(const metrics::SampleTable& table);

  const TableColumns& columns() const { return columns_; }
  std::shared_ptr<arrow::RecordBatch> rows(const SampleBlock& block);

 private:
  const metrics::SampleTable& table_;
  const TableColumns columns_;
  Rows rows_;
};

// means.csv: for each group (the data set, each language, right and wrong
// answers) and layer the mean over its samples of their means over the answer.
void write_means(const std::filesystem::path& file,
                 const metrics::SampleTable& table);

// vocabulary.csv: text and script of each id.
void write_vocabulary_csv(const std::filesystem::path& file,
                          const storage::Vocabulary& vocabulary);

}  // namespace lens::analysis::tables
