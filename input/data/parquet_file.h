#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "input/data/row_file.h"

namespace lens::data {

// An open Parquet file. Its image column is a struct with `bytes` and mostly
// `path`, as the Hugging Face Image feature is stored, or bytes alone, or a
// name; the others hold text, numbers, or lists and structs of them. All are
// found by name.
class ParquetFile final : public RowFile {
 public:
  // Opens the file and checks that each of `columns` is there and of a usable
  // type. Throws lens::InputError.
  ParquetFile(std::filesystem::path path, Columns columns);
  ~ParquetFile() override;

  static std::vector<ColumnSketch> sketch(const std::filesystem::path& path);

  int row_groups() const override;
  // As the footer says.
  std::int64_t rows(int row_group) const override;
  std::vector<Cells> read_cells(int row_group) const override;
  bool holds_images() const override;
  ImageColumn read_images(int row_group) const override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lens::data
