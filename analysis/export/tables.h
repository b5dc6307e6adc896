#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "analysis/export/csv.h"
#include "analysis/export/measures.h"
#include "analysis/export/sample_block.h"
#include "analysis/metrics/sample_table.h"
#include "storage/vocabulary.h"

namespace lens::analysis::tables {

// long.csv: a record for each token and layer, in the order of the file.
class LongTable {
 public:
  LongTable(std::filesystem::path file, MeasureColumns measures);
  void append(const SampleBlock& block,
              const std::vector<std::string>& token_text);
  void commit() { file_.commit(); }

 private:
  CsvFile file_;
  const MeasureColumns measures_;
};

// samples.csv: a record for each sample, failed ones too.
class SamplesCsv {
 public:
  SamplesCsv(std::filesystem::path file, int layers);
  void append(const SampleBlock& block);
  void commit() { file_.commit(); }

 private:
  CsvFile file_;
};

// means.csv: for each group (the data set, each language, right and wrong
// answers) and layer the mean over its samples of their means over the answer.
void write_means(const std::filesystem::path& file,
                 const metrics::SampleTable& table);

// vocabulary.csv: text and script of each id.
void write_vocabulary_csv(const std::filesystem::path& file,
                          const storage::Vocabulary& vocabulary);

}  // namespace lens::analysis::tables
