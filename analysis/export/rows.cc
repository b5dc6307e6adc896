#include "analysis/export/rows.h"

#include <arrow/result.h>
#include <arrow/status.h>

#include <string>

#include "base/error.h"

namespace lens::analysis::tables {
namespace {

[[noreturn]] void fail(const arrow::Status& status) {
  throw StorageError("cannot hold the rows of a table (" + status.message() +
                     "); end other programs, then run the same command again");
}

}  // namespace

Rows::Rows(const std::shared_ptr<arrow::Schema>& schema) {
  auto builder =
      arrow::RecordBatchBuilder::Make(schema, arrow::default_memory_pool());
  if (!builder.ok()) fail(builder.status());
  builder_ = std::move(*builder);
}

Rows& Rows::list(const std::vector<float>& values) {
  auto* const lists = next<arrow::ListBuilder>();
  if (values.empty()) return keep(lists->AppendNull());
  keep(lists->Append());
  return keep(static_cast<arrow::FloatBuilder*>(lists->value_builder())
                  ->AppendValues(values.data(),
                                 static_cast<std::int64_t>(values.size())));
}

std::shared_ptr<arrow::RecordBatch> Rows::take() {
  auto batch = builder_->Flush();
  if (!batch.ok()) fail(batch.status());
  return *batch;
}

Rows& Rows::keep(const arrow::Status& status) {
  if (!status.ok()) fail(status);
  return *this;
}

std::shared_ptr<arrow::Field> column(
    std::string_view name, const std::shared_ptr<arrow::DataType>& type) {
  return arrow::field(std::string(name), type, /*nullable=*/false);
}

}  // namespace lens::analysis::tables
