#include "analysis/export/csv.h"

#include <arrow/array/array_primitive.h>
#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/buffer.h>
#include <arrow/csv/writer.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/writer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <cmath>

#include "base/error.h"

namespace lens::analysis::tables {
namespace {

arrow::csv::WriteOptions options() {
  arrow::csv::WriteOptions options;
  options.null_string = "NaN";
  // As RFC 4180 has it.
  options.eol = "\r\n";
  return options;
}

template <class Type>
arrow::Result<std::shared_ptr<arrow::Array>> nan_as_null(
    const arrow::Array& array) {
  const auto& values =
      static_cast<const typename arrow::TypeTraits<Type>::ArrayType&>(array);
  typename arrow::TypeTraits<Type>::BuilderType builder;
  ARROW_RETURN_NOT_OK(builder.Reserve(values.length()));
  for (std::int64_t i = 0; i < values.length(); ++i) {
    if (values.IsNull(i) || std::isnan(values.Value(i)))
      builder.UnsafeAppendNull();
    else
      builder.UnsafeAppend(values.Value(i));
  }
  return builder.Finish();
}

// Arrow writes "nan"; readers of other kinds, R and MATLAB among them, know
// "NaN" better, and a null can be written so.
arrow::Result<std::shared_ptr<arrow::RecordBatch>> nan_as_null(
    const arrow::RecordBatch& batch) {
  arrow::ArrayVector columns = batch.columns();
  arrow::FieldVector fields = batch.schema()->fields();
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i]->type_id() == arrow::Type::FLOAT) {
      ARROW_ASSIGN_OR_RAISE(columns[i],
                            nan_as_null<arrow::FloatType>(*columns[i]));
    } else if (columns[i]->type_id() == arrow::Type::DOUBLE) {
      ARROW_ASSIGN_OR_RAISE(columns[i],
                            nan_as_null<arrow::DoubleType>(*columns[i]));
    }
    fields[i] = fields[i]->WithNullable(true);
  }
  return arrow::RecordBatch::Make(arrow::schema(fields), batch.num_rows(),
                                  std::move(columns));
}

template <class Builder, class Value>
arrow::Result<std::shared_ptr<arrow::Array>> array_of(
    const std::vector<CsvValue>& values) {
  Builder builder;
  for (const CsvValue& value : values)
    ARROW_RETURN_NOT_OK(value ? builder.Append(std::get<Value>(*value))
                              : builder.AppendNull());
  return builder.Finish();
}

arrow::Result<std::shared_ptr<arrow::Array>> array_of(
    const std::vector<CsvValue>& values) {
  // The first value that is there tells the type; a column without any is one
  // of texts.
  for (const CsvValue& value : values) {
    if (!value) continue;
    if (std::holds_alternative<double>(*value))
      return array_of<arrow::DoubleBuilder, double>(values);
    if (std::holds_alternative<float>(*value))
      return array_of<arrow::FloatBuilder, float>(values);
    if (std::holds_alternative<std::int64_t>(*value))
      return array_of<arrow::Int64Builder, std::int64_t>(values);
    break;
  }
  return array_of<arrow::StringBuilder, std::string>(values);
}

arrow::Result<std::string> text_of(
    const std::vector<std::string>& names,
    const std::vector<std::vector<CsvValue>>& columns) {
  arrow::FieldVector fields;
  arrow::ArrayVector arrays;
  for (std::size_t c = 0; c < columns.size(); ++c) {
    ARROW_ASSIGN_OR_RAISE(arrays.emplace_back(), array_of(columns[c]));
    fields.push_back(arrow::field(names[c], arrays.back()->type()));
  }
  const std::int64_t rows = arrays.empty() ? 0 : arrays.front()->length();
  ARROW_ASSIGN_OR_RAISE(const auto batch,
                        nan_as_null(*arrow::RecordBatch::Make(
                            arrow::schema(fields), rows, std::move(arrays))));
  ARROW_ASSIGN_OR_RAISE(const auto stream,
                        arrow::io::BufferOutputStream::Create());
  ARROW_RETURN_NOT_OK(arrow::csv::WriteCSV(*batch, options(), stream.get()));
  ARROW_ASSIGN_OR_RAISE(const auto buffer, stream->Finish());
  return buffer->ToString();
}

}  // namespace

CsvFile::CsvFile(const std::filesystem::path& file,
                 const std::shared_ptr<arrow::Schema>& schema)
    : file_(file) {
  file_.check([&]() -> arrow::Status {
    ARROW_ASSIGN_OR_RAISE(
        writer_, arrow::csv::MakeCSVWriter(file_.stream(), schema, options()));
    return arrow::Status::OK();
  });
}

void CsvFile::write(const arrow::RecordBatch& batch) {
  file_.check([&]() -> arrow::Status {
    ARROW_ASSIGN_OR_RAISE(const auto values, nan_as_null(batch));
    return writer_->WriteRecordBatch(*values);
  });
}

void CsvFile::commit() {
  file_.check([&] { return writer_->Close(); });
  file_.commit();
}

void write_csv(const std::filesystem::path& path,
               const arrow::RecordBatch& batch) {
  CsvFile file(path, batch.schema());
  file.write(batch);
  file.commit();
}

std::string csv_text(const std::vector<std::string>& names,
                     const std::vector<std::vector<CsvValue>>& columns) {
  const auto text = text_of(names, columns);
  if (!text.ok())
    throw StorageError("cannot make CSV (" + text.status().message() +
                       "); end other programs, then run the same command "
                       "again");
  return *text;
}

}  // namespace lens::analysis::tables
