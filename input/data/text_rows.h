#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "input/data/description.h"
#include "input/data/row_file.h"

namespace lens::data {

// A file of one JSON object a line. A line that is none fails its row alone.
std::unique_ptr<RowFile> open_jsonl(const std::filesystem::path& path,
                                    const Columns& columns);
std::vector<ColumnSketch> sketch_jsonl(const std::filesystem::path& path);

// A file of comma-separated values (RFC 4180), whose first record names the
// columns. An empty value is none. A record of another number of values fails
// its row alone.
std::unique_ptr<RowFile> open_csv(const std::filesystem::path& path,
                                  const Columns& columns);
std::vector<ColumnSketch> sketch_csv(const std::filesystem::path& path);

}  // namespace lens::data
