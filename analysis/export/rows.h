#pragma once

#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_nested.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/record_batch.h>
#include <arrow/table_builder.h>
#include <arrow/type.h>

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace lens::analysis::tables {

// Rows of a table, filled one after another, value by value in the order of the
// fields. Throws StorageError where Arrow cannot hold more.
class Rows {
 public:
  explicit Rows(const std::shared_ptr<arrow::Schema>& schema);

  Rows& text(std::string_view value) {
    return put<arrow::StringBuilder>(value);
  }
  Rows& real(float value) { return put<arrow::FloatBuilder>(value); }
  Rows& real(double value) { return put<arrow::DoubleBuilder>(value); }
  Rows& small(int value) {
    return put<arrow::Int16Builder>(static_cast<std::int16_t>(value));
  }
  Rows& whole(std::int32_t value) { return put<arrow::Int32Builder>(value); }
  Rows& large(std::int64_t value) { return put<arrow::Int64Builder>(value); }
  // No values: null.
  Rows& list(const std::vector<float>& values);
  Rows& number(float value) { return real(value); }
  Rows& number(std::int32_t value) { return whole(value); }

  // The rows so far, which are then no longer here.
  std::shared_ptr<arrow::RecordBatch> take();

 private:
  template <class Builder, class Value>
  Rows& put(Value value) {
    return keep(next<Builder>()->Append(value));
  }
  // The builder of the next value; after the last field comes the first.
  template <class Builder>
  Builder* next() {
    auto* builder = builder_->GetFieldAs<Builder>(field_);
    field_ = (field_ + 1) % builder_->num_fields();
    return builder;
  }
  Rows& keep(const arrow::Status& status);

  std::unique_ptr<arrow::RecordBatchBuilder> builder_;
  int field_ = 0;
};

// A field without null, as all are but lists.
std::shared_ptr<arrow::Field> column(
    std::string_view name, const std::shared_ptr<arrow::DataType>& type);

}  // namespace lens::analysis::tables
