#pragma once

#include <arrow/ipc/type_fwd.h>
#include <arrow/type_fwd.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "analysis/export/table_file.h"

namespace lens::analysis::tables {

// CSV as RFC 4180 has it, by Arrow's writer: UTF-8 without a byte order mark,
// records ended by CR LF. Text is always quoted and its quotes doubled, numbers
// never are: so "" is empty text, "NA" is text, and every text comes back as it
// was, with its line breaks. A float has the shortest digits that read back as
// the same value; "NaN" where there is none, "inf" and "-inf".
class CsvFile {
 public:
  CsvFile(const std::filesystem::path& file,
          const std::shared_ptr<arrow::Schema>& schema);

  void write(const arrow::RecordBatch& batch);
  void commit();  // until then the file has another name

 private:
  TableFile file_;
  std::shared_ptr<arrow::ipc::RecordBatchWriter> writer_;
};

// A file of one batch.
void write_csv(const std::filesystem::path& file,
               const arrow::RecordBatch& batch);

// nullopt: no value, "NaN".
using CsvValue =
    std::optional<std::variant<double, float, std::int64_t, std::string>>;

// The same for columns whose types show in their values. Invariant: the values
// of a column have one type. Throws StorageError.
std::string csv_text(const std::vector<std::string>& names,
                     const std::vector<std::vector<CsvValue>>& columns);

}  // namespace lens::analysis::tables
