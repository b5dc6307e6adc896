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

namespace lens::data {

// The pages of a row group cannot be decoded, or hold another number of rows
// than the footer says. The bytes are to blame: reading again gives the same.
class DamagedRowGroup : public InputError {
 public:
  using InputError::InputError;
};

// The image column of one row group, decoded. Copies share the memory.
class ImageColumn {
 public:
  struct Impl;
  explicit ImageColumn(std::shared_ptr<const Impl> impl);

  // The encoded file of `row` (counted within the row group) and the name
  // stored beside it; null where the column is. Both views live as long as
  // this object.
  std::optional<std::span<const std::byte>> bytes(std::int64_t row) const;
  std::optional<std::string_view> path(std::int64_t row) const;

 private:
  std::shared_ptr<const Impl> impl_;
};

// One text column of one row group; null where the column is. Values are not
// checked to be UTF-8.
using TextColumn = std::vector<std::optional<std::string>>;

// An open Parquet file with an `image` column (a struct with `bytes` and mostly
// `path`, as the Hugging Face Image feature is stored) and text columns, all
// found by name. Reads on the calling thread and starts no other. The file is
// not trusted: whatever it holds, a call returns values it really has or throws
// lens::InputError.
class ParquetFile {
 public:
  // Opens the file and checks that `image` and each of `text_columns` is there
  // and of a usable type. Throws lens::InputError.
  ParquetFile(std::filesystem::path path,
              const std::vector<std::string>& text_columns);
  ParquetFile(ParquetFile&&) noexcept;
  ~ParquetFile();

  int row_groups() const;

  // As the footer says; the reading calls check that it is true.
  std::int64_t rows(int row_group) const;

  // `column` is one of the constructor's text columns. Both throw
  // DamagedRowGroup, or lens::InputError where disk or memory fail.
  TextColumn read_text(int row_group, const std::string& column) const;
  ImageColumn read_images(int row_group) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lens::data
