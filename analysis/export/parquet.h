#pragma once

#include <arrow/type_fwd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "analysis/export/table_file.h"

namespace parquet::arrow {
class FileWriter;
}

namespace lens::analysis::tables {

// Key-value pairs of the file's footer, beside the schema.
using ParquetMetadata = std::vector<std::pair<std::string, std::string>>;

// A Parquet file. A missing value is NaN. Row groups are bounded and text is
// dictionary-encoded: memory holds one row group in its encoded form. Throws
// StorageError.
class ParquetFile {
 public:
  ParquetFile(const std::filesystem::path& file,
              const std::shared_ptr<arrow::Schema>& schema,
              const ParquetMetadata& metadata);
  ~ParquetFile();

  void write(const arrow::RecordBatch& batch);
  void commit();  // until then the file has another name

 private:
  TableFile file_;
  std::unique_ptr<parquet::arrow::FileWriter> writer_;
};

}  // namespace lens::analysis::tables
