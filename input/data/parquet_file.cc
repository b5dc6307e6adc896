#include "input/data/parquet_file.h"

#include <arrow/array.h>
#include <arrow/io/file.h>
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
#include "input/data/arrow_cells.h"
#include "input/data/code_points.h"
#include "input/data/limited_pool.h"

namespace lens::data {
namespace {

using arrow::Type;

// The buffer that pages are read through; a column chunk is never read whole.
constexpr std::int64_t kReadBufferBytes = 1 << 20;

constexpr std::int64_t kImageBatchRows = 8;
constexpr std::int64_t kTextBatchRows = 1 << 16;

constexpr const char* kImageType = "struct<bytes: binary, path: string>";

std::vector<ColumnSketch> sketches(const arrow::FieldVector& fields) {
  std::vector<ColumnSketch> columns;
  for (const auto& field : fields) {
    columns.push_back(
        {.name = field->name(), .type = field->type()->ToString()});
  }
  return columns;
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
    return bytes_at(*(chunk.*field), i);
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
  Columns columns;
  bool names_images = false;  // by name, and does not hold them
  std::map<std::string, std::vector<int>> leaves;  // of each column in use

  void open();
  void check_rows();
  arrow::FieldVector fields();
  void find_columns();
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

arrow::FieldVector ParquetFile::Impl::fields() {
  std::shared_ptr<arrow::Schema> schema;
  checked("cannot read the columns of " + shown(path),
          "give a complete Parquet file, or download it again",
          [&] { return reader->GetSchema(&schema); });
  return schema->fields();
}

void ParquetFile::Impl::find_columns() {
  const arrow::FieldVector present = fields();
  require_columns(path, sketches(present), columns);
  const auto field_of = [&](const std::string& name) -> const arrow::Field& {
    return **std::ranges::find(present, name, &arrow::Field::name);
  };
  bool name_beside = false;  // a struct's `path`
  bool is_struct = false;
  if (!columns.image.empty()) {
    const arrow::Field& image = field_of(columns.image);
    const auto& type = *image.type();
    is_struct = type.id() == Type::STRUCT;
    names_images = holds_text(type) && type.id() != Type::NA;
    if (is_struct) {
      const auto& members = static_cast<const arrow::StructType&>(type);
      const auto bytes = members.GetFieldByName("bytes");
      const auto name = members.GetFieldByName("path");
      name_beside = name != nullptr;
      check_type(image,
                 bytes && holds_bytes(*bytes->type()) &&
                     (!name || holds_text(*name->type())),
                 kImageType);
    } else {
      check_type(image, names_images || holds_bytes(type), kImageType);
    }
    leaves[columns.image];
  }
  for (const std::string* column :
       {&columns.language, &columns.question, &columns.answer, &columns.id}) {
    if (column->empty()) continue;
    const arrow::Field& field = field_of(*column);
    // Pairs are a list, or the text of one.
    const bool is_pairs =
        column == &columns.question && columns.question == columns.answer;
    check_type(field,
               is_pairs ? holds_text(*field.type()) || holds_list(*field.type())
                        : holds_cells(*field.type()),
               "string");
    leaves[*column];
  }

  const auto* schema = reader->parquet_reader()->metadata()->schema();
  // Parquet knows leaves, not columns: an image is two of them.
  for (int leaf = 0; leaf < schema->num_columns(); ++leaf) {
    const auto names = schema->Column(leaf)->path()->ToDotVector();
    const auto used = leaves.find(names.front());
    if (used == leaves.end()) continue;
    if (names.front() == columns.image && is_struct &&
        !(names.size() == 2 &&
          (names[1] == "bytes" || (name_beside && names[1] == "path")))) {
      continue;
    }
    used->second.push_back(leaf);
  }
}

// The validated chunks of one column in one row group.
arrow::ArrayVector ParquetFile::Impl::read(int row_group,
                                           const std::string& column) const {
  arrow::ArrayVector chunks;
  const auto failure = failure_in([&]() -> arrow::Status {
    // In small batches: one array of a row group's pictures would be copied
    // each time it outgrows its memory.
    reader->set_batch_size(column == columns.image && !names_images
                               ? kImageBatchRows
                               : kTextBatchRows);
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

ParquetFile::ParquetFile(std::filesystem::path path, Columns columns)
    : impl_(std::make_unique<Impl>()) {
  impl_->path = std::move(path);
  impl_->columns = std::move(columns);
  impl_->open();
  impl_->check_rows();
  impl_->find_columns();
}

ParquetFile::~ParquetFile() = default;

std::vector<ColumnSketch> ParquetFile::sketch(
    const std::filesystem::path& path) {
  Impl file;
  file.path = path;
  file.open();
  return sketches(file.fields());
}

int ParquetFile::row_groups() const {
  return static_cast<int>(impl_->group_rows.size());
}

std::int64_t ParquetFile::rows(int row_group) const {
  return impl_->group_rows.at(static_cast<std::size_t>(row_group));
}

std::vector<Cells> ParquetFile::read_cells(int row_group) const {
  const Columns& columns = impl_->columns;
  std::vector<Cells> rows;
  bool any = false;
  const auto read = [&](const std::string& column,
                        nlohmann::json Cells::*cell) {
    if (column.empty()) return;
    any = true;
    std::size_t row = 0;
    for (const auto& chunk : impl_->read(row_group, column)) {
      // Only now: until it is read, the number of rows is but a claim.
      rows.resize(std::max(rows.size(),
                           row + static_cast<std::size_t>(chunk->length())));
      for (std::int64_t i = 0; i < chunk->length(); ++i) {
        rows[row++].*cell = cell_at(*chunk, i);
      }
    }
  };
  if (impl_->names_images) read(columns.image, &Cells::image);
  read(columns.language, &Cells::language);
  read(columns.question, &Cells::question);
  if (columns.answer != columns.question) read(columns.answer, &Cells::answer);
  read(columns.id, &Cells::id);
  if (!any) {
    // Pictures alone: counted, not kept.
    for (const auto& chunk : impl_->read(row_group, columns.image)) {
      rows.resize(rows.size() + static_cast<std::size_t>(chunk->length()));
    }
  }
  return rows;
}

bool ParquetFile::holds_images() const {
  return !impl_->columns.image.empty() && !impl_->names_images;
}

ImageColumn ParquetFile::read_images(int row_group) const {
  auto column = std::make_shared<ImageColumn::Impl>();
  column->pool = impl_->pool;
  std::int64_t row = 0;
  for (auto& chunk : impl_->read(row_group, impl_->columns.image)) {
    if (chunk->type_id() == Type::STRUCT) {
      const auto& images = static_cast<const arrow::StructArray&>(*chunk);
      column->chunks.push_back({row, chunk, images.GetFieldByName("bytes"),
                                images.GetFieldByName("path")});
    } else {
      column->chunks.push_back({row, chunk, chunk, nullptr});
    }
    row += chunk->length();
  }
  return ImageColumn(std::move(column));
}

}  // namespace lens::data
