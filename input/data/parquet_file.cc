#include "input/data/parquet_file.h"

#include <arrow/array.h>
#include <arrow/io/file.h>
#include <arrow/memory_pool.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/io_util.h>
#include <parquet/arrow/reader.h>
#include <parquet/exception.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>
#include <parquet/schema.h>

#include <algorithm>
#include <exception>
#include <functional>
#include <limits>
#include <map>
#include <utility>

#include "base/error.h"
#include "input/data/code_points.h"

namespace lens::data {
namespace {

using arrow::Type;

constexpr const char* kImage = "image";

// What decoding one row group may take. Photo data sets need about 50 MB; a
// forged page header must not take the machine down.
constexpr std::int64_t kMaxDecodeBytes = std::int64_t{8} << 30;

// The buffer that pages are read through; a column chunk is never read whole.
constexpr std::int64_t kReadBufferBytes = 1 << 20;

constexpr std::int64_t kImageBatchRows = 8;
constexpr std::int64_t kTextBatchRows = 1 << 16;

// The system's allocator with a limit on what is allocated at one time.
class LimitedPool final : public arrow::ProxyMemoryPool {
 public:
  using MemoryPool::Allocate;
  using MemoryPool::Reallocate;

  LimitedPool() : ProxyMemoryPool(arrow::system_memory_pool()) {}

  arrow::Status Allocate(std::int64_t size, std::int64_t alignment,
                         std::uint8_t** out) override {
    ARROW_RETURN_NOT_OK(check_growth(size));
    return ProxyMemoryPool::Allocate(size, alignment, out);
  }

  arrow::Status Reallocate(std::int64_t old_size, std::int64_t new_size,
                           std::int64_t alignment,
                           std::uint8_t** ptr) override {
    ARROW_RETURN_NOT_OK(check_growth(new_size - old_size));
    return ProxyMemoryPool::Reallocate(old_size, new_size, alignment, ptr);
  }

 private:
  arrow::Status check_growth(std::int64_t bytes) const {
    // Subtracted, not added: the size comes from the file and may be any
    // number.
    if (bytes <= kMaxDecodeBytes - bytes_allocated()) {
      return arrow::Status::OK();
    }
    // No memory is lacking: such a row group is refused on every machine.
    return arrow::Status::CapacityError(
        "a row group needs more than 8 GiB: write the file with smaller row "
        "groups, or it is damaged");
  }
};

bool holds_text(const arrow::DataType& type) {
  switch (type.id()) {
    case Type::STRING:
    case Type::LARGE_STRING:
    case Type::STRING_VIEW:
    case Type::NA:  // a column without any value
      return true;
    case Type::DICTIONARY:
      return holds_text(
          *static_cast<const arrow::DictionaryType&>(type).value_type());
    default:
      return false;
  }
}

bool holds_bytes(const arrow::DataType& type) {
  switch (type.id()) {
    case Type::BINARY:
    case Type::LARGE_BINARY:
    case Type::BINARY_VIEW:
    case Type::NA:
      return true;
    case Type::DICTIONARY:
      return holds_bytes(
          *static_cast<const arrow::DictionaryType&>(type).value_type());
    default:
      return false;
  }
}

// The same data with every text type read as bytes. Full validation of a text
// array would refuse the whole row group for one value that is not UTF-8; that
// is for the row to answer for, not for its neighbours.
std::shared_ptr<arrow::ArrayData> as_binary(const arrow::ArrayData& data) {
  // The buffers are shared: only the type is another.
  std::shared_ptr<arrow::ArrayData> copy = data.Copy();
  switch (data.type->id()) {
    case Type::STRING:
      copy->type = arrow::binary();
      break;
    case Type::LARGE_STRING:
      copy->type = arrow::large_binary();
      break;
    case Type::STRING_VIEW:
      copy->type = arrow::binary_view();
      break;
    case Type::DICTIONARY: {
      const auto& type = static_cast<const arrow::DictionaryType&>(*data.type);
      copy->dictionary = as_binary(*data.dictionary);
      copy->type = arrow::dictionary(type.index_type(), copy->dictionary->type,
                                     type.ordered());
      break;
    }
    case Type::STRUCT: {
      arrow::FieldVector fields;
      for (std::size_t i = 0; i < copy->child_data.size(); ++i) {
        copy->child_data[i] = as_binary(*copy->child_data[i]);
        fields.push_back(data.type->field(static_cast<int>(i))
                             ->WithType(copy->child_data[i]->type));
      }
      copy->type = arrow::struct_(std::move(fields));
      break;
    }
    default:
      break;
  }
  return copy;
}

// The value at `i` of a validated array of one of the binary types.
std::optional<std::string_view> value_at(const arrow::Array& array,
                                         std::int64_t i) {
  if (array.IsNull(i)) return std::nullopt;
  switch (array.type_id()) {
    case Type::BINARY:
      return static_cast<const arrow::BinaryArray&>(array).GetView(i);
    case Type::LARGE_BINARY:
      return static_cast<const arrow::LargeBinaryArray&>(array).GetView(i);
    case Type::BINARY_VIEW:
      return static_cast<const arrow::BinaryViewArray&>(array).GetView(i);
    case Type::DICTIONARY: {
      const auto& coded = static_cast<const arrow::DictionaryArray&>(array);
      return value_at(*coded.dictionary(), coded.GetValueIndex(i));
    }
    default:
      return std::nullopt;
  }
}

std::string shown(const std::filesystem::path& path) {
  return one_line(path.string(), 500);
}

// What a failure says, and whether the bytes are to blame: then every further
// try ends alike, while a disk or a memory that fails may do better.
struct Failure {
  std::string why;
  bool is_damage = true;
};

Failure failure_of(const arrow::Status& status) {
  return {status.message(), !status.IsOutOfMemory() &&
                                arrow::internal::ErrnoFromStatus(status) == 0};
}

// Runs `read`, which returns an arrow::Status or throws whatever the Parquet
// decoder does. Nothing when it succeeds.
std::optional<Failure> failure_in(const std::function<arrow::Status()>& read) {
  Failure failure;
  try {
    const arrow::Status status = read();
    if (status.ok()) return std::nullopt;
    failure = failure_of(status);
  } catch (const InputError&) {
    throw;
    // Arrow's own status inside of an exception: it knows whether it was the
    // disk.
  } catch (const parquet::ParquetStatusException& error) {
    failure = failure_of(error.status());
  } catch (const std::bad_alloc&) {
    failure = {"not enough memory", false};
  } catch (const std::exception& error) {
    failure = {error.what(), true};
  }
  failure.why = one_line(failure.why, 300);
  return failure;
}

void checked(const std::string& problem, const char* remedy,
             const std::function<arrow::Status()>& read) {
  if (const auto failure = failure_in(read)) {
    throw InputError(problem, failure->why, remedy);
  }
}

}  // namespace

struct ImageColumn::Impl {
  std::shared_ptr<arrow::MemoryPool> pool;  // outlives the arrays
  struct Chunk {
    std::int64_t first_row = 0;
    std::shared_ptr<arrow::Array> images;
    std::shared_ptr<arrow::Array> bytes;
    std::shared_ptr<arrow::Array> path;  // null where there is no such field
  };
  std::vector<Chunk> chunks;  // in row order, none empty

  std::optional<std::string_view> find(
      std::int64_t row, std::shared_ptr<arrow::Array> Chunk::*field) const {
    const auto after = std::upper_bound(
        chunks.begin(), chunks.end(), row,
        [](std::int64_t r, const Chunk& c) { return r < c.first_row; });
    // The first chunk begins at row 0, so that there is one before.
    const Chunk& chunk = *std::prev(after);
    const std::int64_t i = row - chunk.first_row;
    if (chunk.images->IsNull(i) || !(chunk.*field)) return std::nullopt;
    return value_at(*(chunk.*field), i);
  }
};

ImageColumn::ImageColumn(std::shared_ptr<const Impl> impl)
    : impl_(std::move(impl)) {}

std::optional<std::span<const std::byte>> ImageColumn::bytes(
    std::int64_t row) const {
  const auto value = impl_->find(row, &Impl::Chunk::bytes);
  if (!value) return std::nullopt;
  return std::as_bytes(std::span(value->data(), value->size()));
}

std::optional<std::string_view> ImageColumn::path(std::int64_t row) const {
  return impl_->find(row, &Impl::Chunk::path);
}

struct ParquetFile::Impl {
  std::filesystem::path path;
  std::shared_ptr<LimitedPool> pool = std::make_shared<LimitedPool>();
  std::unique_ptr<parquet::arrow::FileReader> reader;
  std::vector<std::int64_t> group_rows;
  std::map<std::string, std::vector<int>> leaves;  // of each column in use

  void open();
  void check_rows();
  void find_columns(const std::vector<std::string>& text_columns);
  void check_type(const arrow::Field& field, bool wanted,
                  const std::string& expected) const;
  arrow::ArrayVector read(int row_group, const std::string& column) const;
};

void ParquetFile::Impl::open() {
  checked(
      "cannot read " + shown(path),
      "give a complete Parquet file, or download it again",
      [this]() -> arrow::Status {
        ARROW_ASSIGN_OR_RAISE(auto file, arrow::io::ReadableFile::Open(
                                             path.string(), pool.get()));
        parquet::ReaderProperties properties(pool.get());
        properties.enable_buffered_stream();
        properties.set_buffer_size(kReadBufferBytes);
        // Where a file has sums of its pages, a flipped bit is damage and not
        // another picture.
        properties.set_page_checksum_verification(true);
        parquet::ArrowReaderProperties arrow_properties(/*use_threads=*/false);
        // It would read a row group's column chunks whole.
        arrow_properties.set_pre_buffer(false);
        parquet::arrow::FileReaderBuilder builder;
        ARROW_RETURN_NOT_OK(builder.Open(std::move(file), properties));
        builder.memory_pool(pool.get())->properties(arrow_properties);
        ARROW_ASSIGN_OR_RAISE(reader, builder.Build());
        return arrow::Status::OK();
      });
}

// Invariant: the row groups' counts are not negative and add up to the file's.
void ParquetFile::Impl::check_rows() {
  const auto metadata = reader->parquet_reader()->metadata();
  std::int64_t total = 0;
  for (int group = 0; group < metadata->num_row_groups(); ++group) {
    const std::int64_t rows = metadata->RowGroup(group)->num_rows();
    if (rows < 0 || rows > std::numeric_limits<std::int64_t>::max() - total) {
      throw InputError("cannot read " + shown(path),
                       "row group " + std::to_string(group) + " claims " +
                           std::to_string(rows) + " rows",
                       "the file is damaged: download it again");
    }
    total += rows;
    group_rows.push_back(rows);
  }
  if (total != metadata->num_rows()) {
    throw InputError("cannot read " + shown(path),
                     "it claims " + std::to_string(metadata->num_rows()) +
                         " rows, its row groups " + std::to_string(total),
                     "the file is damaged: download it again");
  }
}

void ParquetFile::Impl::check_type(const arrow::Field& field, bool wanted,
                                   const std::string& expected) const {
  if (wanted) return;
  throw InputError(
      "column '" + one_line(field.name(), 60) + "' of " + shown(path) +
          " has the wrong type",
      one_line(field.type()->ToString(), 120) + " instead of " + expected,
      "give the data set as it is on the Hugging Face Hub");
}

void ParquetFile::Impl::find_columns(
    const std::vector<std::string>& text_columns) {
  std::shared_ptr<arrow::Schema> schema;
  checked("cannot read the columns of " + shown(path),
          "give a complete Parquet file, or download it again",
          [&] { return reader->GetSchema(&schema); });

  const auto field_of = [&](const std::string& name) {
    const auto fields = schema->GetAllFieldsByName(name);
    if (fields.size() == 1) return fields.front();
    std::string present;
    for (const auto& field : schema->fields()) {
      present += (present.empty() ? "" : ", ") + field->name();
    }
    throw InputError(
        (fields.empty() ? "no column '" : "more than one column '") + name +
            "' in " + shown(path),
        "columns: " + (present.empty() ? "none" : one_line(present, 300)),
        "give the data set's own files, or choose the other data set's name");
  };

  const auto image = field_of(kImage);
  const auto bytes = image->type()->id() == Type::STRUCT
                         ? static_cast<const arrow::StructType&>(*image->type())
                               .GetFieldByName("bytes")
                         : nullptr;
  check_type(*image, bytes && holds_bytes(*bytes->type()),
             "struct<bytes: binary, path: string>");
  const auto name = static_cast<const arrow::StructType&>(*image->type())
                        .GetFieldByName("path");
  check_type(*image, !name || holds_text(*name->type()),
             "struct<bytes: binary, path: string>");
  for (const std::string& column : text_columns) {
    const auto field = field_of(column);
    check_type(*field, holds_text(*field->type()), "string");
    leaves[column];
  }

  const auto* columns = reader->parquet_reader()->metadata()->schema();
  // Parquet knows leaves, not columns: an image is two of them.
  for (int leaf = 0; leaf < columns->num_columns(); ++leaf) {
    const auto names = columns->Column(leaf)->path()->ToDotVector();
    const bool of_image = names.size() == 2 && names[0] == kImage &&
                          (names[1] == "bytes" || (name && names[1] == "path"));
    if (of_image) leaves[kImage].push_back(leaf);
    if (names.size() == 1 && names[0] != kImage && leaves.contains(names[0])) {
      leaves[names[0]].push_back(leaf);
    }
  }
}

// The validated chunks of one column in one row group.
arrow::ArrayVector ParquetFile::Impl::read(int row_group,
                                           const std::string& column) const {
  arrow::ArrayVector chunks;
  const auto failure = failure_in([&]() -> arrow::Status {
    // In small batches: one array of a row group's pictures would be copied
    // each time it outgrows its memory.
    reader->set_batch_size(column == kImage ? kImageBatchRows : kTextBatchRows);
    ARROW_ASSIGN_OR_RAISE(auto batches, reader->GetRecordBatchReader(
                                            {row_group}, leaves.at(column)));
    std::int64_t rows = 0;
    for (;;) {
      ARROW_ASSIGN_OR_RAISE(auto batch, batches->Next());
      if (!batch) break;
      if (batch->num_columns() != 1) {
        return arrow::Status::Invalid("its footer contradicts itself");
      }
      const auto& values = *batch->column_data(0);
      if (values.length == 0) continue;
      chunks.push_back(arrow::MakeArray(as_binary(values)));
      ARROW_RETURN_NOT_OK(chunks.back()->ValidateFull());
      rows += values.length;
    }
    const auto claimed = group_rows.at(static_cast<std::size_t>(row_group));
    // Pages may end early without a word.
    if (rows != claimed) {
      return arrow::Status::Invalid("it holds ", rows, " values, not the ",
                                    claimed, " that the footer claims");
    }
    return arrow::Status::OK();
  });
  if (!failure) return chunks;
  const auto problem = [&](const std::string& file) {
    return "cannot read column '" + column + "' of " + file + ", row group " +
           std::to_string(row_group);
  };
  // Damage is told of in results: by the file's name, wherever it lies.
  if (failure->is_damage) {
    throw DamagedRowGroup(problem(shown(path.filename())), failure->why,
                          "download the file again");
  }
  throw InputError(problem(shown(path)), failure->why,
                   "check the disk and the memory, then run the same command "
                   "again");
}

ParquetFile::ParquetFile(std::filesystem::path path,
                         const std::vector<std::string>& text_columns)
    : impl_(std::make_unique<Impl>()) {
  impl_->path = std::move(path);
  impl_->open();
  impl_->check_rows();
  impl_->find_columns(text_columns);
}

ParquetFile::ParquetFile(ParquetFile&&) noexcept = default;
ParquetFile::~ParquetFile() = default;

int ParquetFile::row_groups() const {
  return static_cast<int>(impl_->group_rows.size());
}

std::int64_t ParquetFile::rows(int row_group) const {
  return impl_->group_rows.at(static_cast<std::size_t>(row_group));
}

TextColumn ParquetFile::read_text(int row_group,
                                  const std::string& column) const {
  TextColumn values;
  for (const auto& chunk : impl_->read(row_group, column)) {
    for (std::int64_t i = 0; i < chunk->length(); ++i) {
      values.emplace_back(value_at(*chunk, i));
    }
  }
  return values;
}

ImageColumn ParquetFile::read_images(int row_group) const {
  auto column = std::make_shared<ImageColumn::Impl>();
  column->pool = impl_->pool;
  std::int64_t row = 0;
  for (auto& chunk : impl_->read(row_group, kImage)) {
    const auto& images = static_cast<const arrow::StructArray&>(*chunk);
    column->chunks.push_back({row, chunk, images.GetFieldByName("bytes"),
                              images.GetFieldByName("path")});
    row += chunk->length();
  }
  return ImageColumn(std::move(column));
}

}  // namespace lens::data
