#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "input/data/description.h"
#include "input/data/labels.h"

namespace lens::data {

// Rows of a file cannot be decoded, or are others than it says. The bytes are
// to blame: reading again gives the same.
class DamagedRowGroup : public InputError {
 public:
  using InputError::InputError;
};

// The pictures that a group of rows holds in itself. Copies share the memory.
class ImageColumn {
 public:
  struct Impl;
  explicit ImageColumn(std::shared_ptr<const Impl> impl);

  // The encoded file of `row` (counted within the group) and the name stored
  // beside it; null where the column is. Both views live as long as this
  // object.
  std::optional<std::span<const std::byte>> bytes(std::int64_t row) const;
  std::optional<std::string_view> path(std::int64_t row) const;

 private:
  std::shared_ptr<const Impl> impl_;
};

// A column as the file names it, and what it holds in the file's own words.
struct ColumnSketch {
  std::string name;
  std::string type;
};

// An open file of rows, which come in groups that are small enough to be held
// in memory. Reads on the calling thread and starts no other. The file is not
// trusted: whatever it holds, a call returns values it really has or throws
// lens::InputError.
class RowFile {
 public:
  virtual ~RowFile() = default;

  virtual int row_groups() const = 0;
  // As the file says; the reading calls check that it is true.
  virtual std::int64_t rows(int row_group) const = 0;

  // The cells of each row. Throws DamagedRowGroup, or lens::InputError where
  // disk or memory fail.
  virtual std::vector<Cells> read_cells(int row_group) const = 0;

  // Whether pictures lie in the file itself. Else the cells name them.
  virtual bool holds_images() const { return false; }
  // Of a file that holds them. Throws as read_cells.
  virtual ImageColumn read_images(int row_group) const;
};

// The only column of pictures alone.
inline constexpr std::string_view kFileName = "file_name";

// Throws lens::InputError, with the names of those present, unless each of
// `columns` is there once.
void require_columns(const std::filesystem::path& path,
                     const std::vector<ColumnSketch>& present,
                     const Columns& columns);

// "Parquet", "JSONL", "CSV" or "pictures".
std::string_view format_of(const std::filesystem::path& path);

}  // namespace lens::data
