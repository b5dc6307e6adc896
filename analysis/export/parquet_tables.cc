#include "analysis/export/parquet_tables.h"

#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_nested.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/io/file.h>
#include <arrow/record_batch.h>
#include <arrow/table_builder.h>
#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>
#include <parquet/arrow/writer.h>
#include <parquet/exception.h>

#include <functional>
#include <optional>

#include "analysis/export/csv.h"
#include "analysis/export/tables.h"
#include "analysis/metrics/sample_group.h"
#include "base/error.h"

namespace lens::analysis::tables {
namespace {

// Rows of a row group: enough to compress well, few enough to be held.
constexpr std::int64_t kRowGroupRows = 1 << 17;
// The texts of a row group; the default of 1 MiB is too little for a
// vocabulary, and what does not fit is not dictionary-encoded.
constexpr std::int64_t kDictionaryBytes = std::int64_t{8} << 20;

// A Parquet file and the builders of its columns, which are filled row by row
// in the order of the schema.
class ParquetTable {
 public:
  ParquetTable(std::filesystem::path path, const arrow::FieldVector& fields,
               const ParquetMetadata& metadata)
      : name_(path.string()), file_(std::move(path)) {
    std::vector<std::string> keys, values;
    for (const auto& [key, value] : metadata) {
      keys.push_back(key);
      values.push_back(value);
    }
    const auto schema =
        arrow::schema(fields, arrow::key_value_metadata(keys, values));
    checked([&]() -> arrow::Status {
      ARROW_ASSIGN_OR_RAISE(
          sink_, arrow::io::FileOutputStream::Open(file_.temporary()));
      const auto properties = parquet::WriterProperties::Builder()
                                  .compression(arrow::Compression::ZSTD)
                                  ->max_row_group_length(kRowGroupRows)
                                  ->dictionary_pagesize_limit(kDictionaryBytes)
                                  ->build();
      const auto arrow_properties =
          parquet::ArrowWriterProperties::Builder().store_schema()->build();
      ARROW_ASSIGN_OR_RAISE(writer_, parquet::arrow::FileWriter::Open(
                                         *schema, arrow::default_memory_pool(),
                                         sink_, properties, arrow_properties));
      ARROW_ASSIGN_OR_RAISE(builder_,
                            arrow::RecordBatchBuilder::Make(
                                schema, arrow::default_memory_pool()));
      return arrow::Status::OK();
    });
  }

  // Values of one row, field after field.
  class Row {
   public:
    explicit Row(arrow::RecordBatchBuilder& builder) : builder_(builder) {}

    Row& text(std::string_view value) {
      return put<arrow::StringBuilder>(value);
    }
    Row& real(float value) { return put<arrow::FloatBuilder>(value); }
    Row& small(int value) {
      return put<arrow::Int16Builder>(static_cast<std::int16_t>(value));
    }
    Row& whole(std::int32_t value) { return put<arrow::Int32Builder>(value); }
    Row& large(std::int64_t value) { return put<arrow::Int64Builder>(value); }
    Row& list(const std::vector<float>& values) {
      auto* lists = builder_.GetFieldAs<arrow::ListBuilder>(field_++);
      if (values.empty()) return keep(lists->AppendNull());
      keep(lists->Append());
      return keep(static_cast<arrow::FloatBuilder*>(lists->value_builder())
                      ->AppendValues(values.data(),
                                     static_cast<std::int64_t>(values.size())));
    }
    Row& number(float value) { return real(value); }
    Row& number(std::int32_t value) { return whole(value); }
    const arrow::Status& status() const { return status_; }

   private:
    template <class Builder, class Value>
    Row& put(Value value) {
      return keep(builder_.GetFieldAs<Builder>(field_++)->Append(value));
    }
    Row& keep(const arrow::Status& status) {
      status_ &= status;
      return *this;
    }

    arrow::RecordBatchBuilder& builder_;
    arrow::Status status_;
    int field_ = 0;
  };

  void add(const std::function<void(Row&)>& fill) {
    Row row(*builder_);
    fill(row);
    if (!row.status().ok()) fail(row.status().message());
  }

  // Hands the rows so far to the writer.
  void flush() {
    checked([&]() -> arrow::Status {
      ARROW_ASSIGN_OR_RAISE(const auto batch, builder_->Flush());
      return writer_->WriteRecordBatch(*batch);
    });
  }

  void commit() {
    checked([&]() -> arrow::Status {
      ARROW_RETURN_NOT_OK(writer_->Close());
      return sink_->Close();
    });
    file_.commit();
  }

 private:
  [[noreturn]] void fail(const std::string& why) const {
    throw StorageError("cannot write " + name_ + " (" + why +
                       "); free space or choose another folder, then "
                       "run the same command again");
  }

  void checked(const std::function<arrow::Status()>& body) const {
    std::optional<std::string> why;
    try {
      const arrow::Status status = body();
      if (!status.ok()) why = status.message();
    } catch (const parquet::ParquetException& error) {
      why = error.what();
    }
    if (why) fail(*why);
  }

  std::string name_;
  TableFile file_;
  std::shared_ptr<arrow::io::FileOutputStream> sink_;
  std::unique_ptr<parquet::arrow::FileWriter> writer_;
  std::unique_ptr<arrow::RecordBatchBuilder> builder_;
};

std::shared_ptr<arrow::Field> column_field(
    std::string name, const std::shared_ptr<arrow::DataType>& type,
    bool nullable = false) {
  return arrow::field(std::move(name), type, nullable);
}

arrow::FieldVector long_fields(const MeasureColumns& measures) {
  const auto& text = arrow::utf8();
  const auto& real = arrow::float32();
  const auto& whole = arrow::int32();
  arrow::FieldVector fields = {
      column_field("dataset", text),        column_field("language", text),
      column_field("sample_id", text),      column_field("token_index", whole),
      column_field("role", text),           column_field("position", whole),
      column_field("token_id", whole),      column_field("token_text", text),
      column_field("layer", arrow::int16())};
  const auto add = [&](const std::vector<const table::Column*>& columns) {
    for (const table::Column* column : columns)
      fields.push_back(column_field(
          std::string(column->name),
          column->type == table::ColumnType::kFloat ? real : whole));
  };
  add(measures.first);
  fields.push_back(column_field("top1_id", whole));
  fields.push_back(column_field("top1_text", text));
  fields.push_back(column_field("top1_logprob", real));
  add(measures.later);
  return fields;
}

arrow::FieldVector samples_fields() {
  const auto& text = arrow::utf8();
  const auto& whole = arrow::int32();
  const auto list = arrow::list(arrow::float32());
  return {column_field("dataset", text),
          column_field("sample_id", text),
          column_field("source_row", arrow::int64()),
          column_field("question_index", whole),
          column_field("language", text),
          column_field("status", text),
          column_field("failure", text),
          column_field("verdict", text),
          column_field("score", arrow::float32()),
          column_field("image_height", whole),
          column_field("image_width", whole),
          column_field("grid_height", whole),
          column_field("grid_width", whole),
          column_field("image_tokens", whole),
          column_field("prompt_tokens", whole),
          column_field("answer_tokens", whole),
          column_field("prompt", text),
          column_field("reference", text),
          column_field("answer", text),
          column_field("entropy_mean", list, true),
          column_field("kl_final_mean", list, true),
          column_field("target_logprob_mean", list, true),
          column_field("log_rank_mean", list, true),
          column_field("agreement_mean", list, true)};
}

}  // namespace

class LongParquet::Impl : public ParquetTable {
 public:
  Impl(std::filesystem::path file, MeasureColumns columns,
       const ParquetMetadata& metadata)
      : ParquetTable(std::move(file), long_fields(columns), metadata),
        measures(std::move(columns)) {}

  const MeasureColumns measures;
};

LongParquet::LongParquet(std::filesystem::path file, MeasureColumns measures,
                         const ParquetMetadata& metadata)
    : impl_(std::make_unique<Impl>(std::move(file), std::move(measures),
                                   metadata)) {}

LongParquet::~LongParquet() = default;

void LongParquet::append(const SampleBlock& block,
                         const std::vector<std::string>& token_text) {
  const auto text = [&](std::int32_t id) -> const std::string& {
    return token_text[static_cast<std::size_t>(id)];
  };
  const table::TokenRows& tokens = block.tokens;
  const auto add = [&](const std::vector<const table::Column*>& columns,
                       std::size_t cell, ParquetTable::Row& row) {
    for (const table::Column* column : columns)
      with_value(tokens, *column, cell, [&](auto value) { row.number(value); });
  };
  for (std::size_t s = 0; s < block.samples.size(); ++s) {
    const std::int64_t first = block.token_offset[s];
    for (std::int64_t t = first; t < block.token_offset[s + 1]; ++t) {
      const auto token = static_cast<std::size_t>(t);
      const std::int32_t id = tokens.get<"token_id">()[token];
      for (int layer = 0; layer < block.layers(); ++layer) {
        const std::size_t cell = block.cell(t, layer);
        impl_->add([&](ParquetTable::Row& row) {
          row.text(block.dataset)
              .text(block.samples[s].language)
              .text(block.samples[s].sample_id)
              .whole(static_cast<std::int32_t>(t - first))
              .text(role_name(tokens.get<"token_role">()[token]))
              .whole(tokens.get<"token_position">()[token])
              .whole(id)
              .text(text(id))
              .small(layer);
          add(impl_->measures.first, cell, row);
          row.whole(block.top1_id(t, layer))
              .text(text(block.top1_id(t, layer)))
              .real(block.top1_logprob(t, layer));
          add(impl_->measures.later, cell, row);
        });
      }
    }
  }
  impl_->flush();
}

void LongParquet::commit() { impl_->commit(); }

class SamplesParquet::Impl : public ParquetTable {
 public:
  using ParquetTable::ParquetTable;
};

SamplesParquet::SamplesParquet(std::filesystem::path file,
                               const ParquetMetadata& metadata)
    : impl_(std::make_unique<Impl>(std::move(file), samples_fields(),
                                   metadata)) {}

SamplesParquet::~SamplesParquet() = default;

void SamplesParquet::append(const SampleBlock& block,
                            const metrics::SampleTable& table) {
  for (std::size_t s = 0; s < block.samples.size(); ++s) {
    const storage::SampleRecord& sample = block.samples[s];
    const metrics::SampleRow& means =
        table.rows.at(static_cast<std::size_t>(block.first_sample) + s);
    const bool ok = sample.status == storage::SampleStatus::kOk;
    const bool has_mean = ok && means.tokens > 0;
    impl_->add([&](ParquetTable::Row& row) {
      row.text(block.dataset)
          .text(sample.sample_id)
          .large(sample.source_row)
          .whole(sample.question_index)
          .text(sample.language)
          .text(ok ? "ok" : "failed")
          .text(sample.failure)
          .text(metrics::verdict_name(means.verdict))
          .real(sample.score)
          .whole(sample.image_height)
          .whole(sample.image_width)
          .whole(sample.grid_height)
          .whole(sample.grid_width)
          .whole(sample.image_tokens)
          .whole(sample.prompt_tokens)
          .whole(sample.answer_tokens)
          .text(sample.prompt)
          .text(sample.reference)
          .text(sample.answer)
          .list(has_mean ? sample.entropy_mean : std::vector<float>{})
          .list(means.kl_final)
          .list(means.target_logprob)
          .list(means.log_rank)
          .list(means.agreement);
    });
  }
  impl_->flush();
}

void SamplesParquet::commit() { impl_->commit(); }

}  // namespace lens::analysis::tables
