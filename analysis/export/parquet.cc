#include "analysis/export/parquet.h"

#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>
#include <parquet/arrow/writer.h>

namespace lens::analysis::tables {
namespace {

// Rows of a row group: enough to compress well, few enough to be held.
constexpr std::int64_t kRowGroupRows = 1 << 17;
// The texts of a row group; the default of 1 MiB is too little for a
// vocabulary, and what does not fit is not dictionary-encoded.
constexpr std::int64_t kDictionaryBytes = std::int64_t{8} << 20;

}  // namespace

ParquetFile::ParquetFile(const std::filesystem::path& file,
                         const std::shared_ptr<arrow::Schema>& schema,
                         const ParquetMetadata& metadata)
    : file_(file) {
  std::vector<std::string> keys, values;
  for (const auto& [key, value] : metadata) {
    keys.push_back(key);
    values.push_back(value);
  }
  file_.check([&]() -> arrow::Status {
    const auto properties = parquet::WriterProperties::Builder()
                                .compression(arrow::Compression::ZSTD)
                                ->max_row_group_length(kRowGroupRows)
                                ->dictionary_pagesize_limit(kDictionaryBytes)
                                ->build();
    const auto arrow_properties =
        parquet::ArrowWriterProperties::Builder().store_schema()->build();
    ARROW_ASSIGN_OR_RAISE(
        writer_,
        parquet::arrow::FileWriter::Open(
            *schema->WithMetadata(arrow::key_value_metadata(keys, values)),
            arrow::default_memory_pool(), file_.stream(), properties,
            arrow_properties));
    return arrow::Status::OK();
  });
}

ParquetFile::~ParquetFile() = default;

void ParquetFile::write(const arrow::RecordBatch& batch) {
  file_.check([&] { return writer_->WriteRecordBatch(batch); });
}

void ParquetFile::commit() {
  file_.check([&] { return writer_->Close(); });
  file_.commit();
}

}  // namespace lens::analysis::tables
