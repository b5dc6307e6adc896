#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "input/data/description.h"
#include "input/data/row_file.h"

namespace lens::data {

// Opens a file in the format that its name says: Parquet where it says none.
// Throws lens::InputError: no such file, not of this format, a column that is
// missing (names those present) or of a type that is of no use.
std::unique_ptr<RowFile> open_rows(const std::filesystem::path& path,
                                   const Columns& columns);

// Pictures alone: a row each, whose only column kFileName is its path from
// `root` on.
std::unique_ptr<RowFile> open_pictures(
    const std::vector<std::filesystem::path>& pictures,
    const std::filesystem::path& root);

// The columns of a file in its order; of JSONL those of its first lines.
std::vector<ColumnSketch> sketch_columns(const std::filesystem::path& path);

}  // namespace lens::data
