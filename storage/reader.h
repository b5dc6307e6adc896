#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "storage/unit_result.h"
#include "storage/vocabulary.h"

namespace lens::storage {

// The root attributes of results.h5 (docs/format.md, section 2).
struct ResultsInfo {
  std::string run_id;
  std::string software_version;
  std::string git_commit;
  std::string config_json;
  std::string model_name;
  std::string model_sha256;
  std::string tokenizer_sha256;
  std::string dtype;
  std::string device_names;
  std::int64_t samples_total = 0;
  std::int64_t samples_ok = 0;
  std::int64_t samples_failed = 0;
  bool complete = false;
};

// One data set of the run: attributes and lengths of its group.
struct DatasetSummary {
  std::string name;
  std::int64_t samples = 0;        // rows in the file
  std::int64_t samples_total = 0;  // of the run
  std::int64_t samples_ok = 0;
  std::int64_t samples_failed = 0;
  std::int64_t tokens = 0;
  std::string content_sha256;
};

// Pieces of a results.h5, read when asked for. The constructor checks the
// format and that all columns are there with their types and shapes; it does
// not check the values (verify_results does). A file open here must not be
// written.
//
// Every call throws StorageError: no such data set or column, another type than
// asked for, rows out of range, a damaged file. One thread at a time.
class ResultsReader {
 public:
  explicit ResultsReader(const std::filesystem::path& file);
  ~ResultsReader();
  ResultsReader(ResultsReader&&) noexcept;
  ResultsReader& operator=(ResultsReader&&) noexcept;

  const ResultsInfo& info() const;
  const std::vector<DatasetSummary>& datasets() const;  // by name
  const DatasetSummary& dataset(std::string_view name) const;

  std::int64_t layers() const;  // N+1 states
  std::int64_t ranks() const;
  std::int64_t scripts() const;
  std::vector<std::string> script_names() const;
  Vocabulary vocabulary() const;

  // Names of the columns, in the order of docs/format.md.
  std::vector<std::string> columns(std::string_view dataset) const;
  bool has(std::string_view dataset, std::string_view column) const;
  // All dimensions; the first one counts rows.
  std::vector<std::int64_t> shape(std::string_view dataset,
                                  std::string_view column) const;

  // Rows [begin, end) of a column, row-major. Value is the column's own type:
  // std::string, int64_t, int32_t, uint8_t or float.
  template <class Value>
  std::vector<Value> read(std::string_view dataset, std::string_view column,
                          std::int64_t begin, std::int64_t end) const;
  template <class Value>
  std::vector<Value> read_all(std::string_view dataset,
                              std::string_view column) const;

  // Samples [begin, end) with their tokens; offsets count from 0.
  UnitResult read_samples(std::string_view dataset, std::int64_t begin,
                          std::int64_t end) const;

  // The same in two halves, and of these the columns of `wanted` alone: rows of
  // the samples or of the tokens [begin, end), unchecked.
  std::vector<SampleRecord> read_records(
      std::string_view dataset, std::int64_t begin, std::int64_t end,
      const table::ColumnSet& wanted = table::ColumnSet().set()) const;
  table::TokenRows read_tokens(
      std::string_view dataset, std::int64_t begin, std::int64_t end,
      const table::ColumnSet& wanted = table::ColumnSet().set()) const;

  // [layer], nats: mean of entropy_mean over the samples that are ok and have
  // answer tokens. NaN where there is none.
  std::vector<double> read_mean_entropy(std::string_view dataset) const;

  // Throws where a column lacks a dimension scale.
  void check_scales() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lens::storage
