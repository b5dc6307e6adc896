#include "input/data/row_file.h"

#include <algorithm>

#include "input/data/code_points.h"
#include "input/data/picture_folder.h"

namespace lens::data {

namespace fs = std::filesystem;

ImageColumn RowFile::read_images(int /*row_group*/) const {
  throw InputError("the file holds no pictures");
}

std::string_view format_of(const fs::path& path) {
  const fs::path ending = path.extension();
  if (ending == ".jsonl" || ending == ".ndjson") return "JSONL";
  if (ending == ".csv") return "CSV";
  return is_picture_name(path) ? "pictures" : "Parquet";
}

void require_columns(const fs::path& path,
                     const std::vector<ColumnSketch>& present,
                     const Columns& columns) {
  std::string names;
  for (const ColumnSketch& column : present) {
    names += (names.empty() ? "" : ", ") + column.name;
  }
  for (const std::string* wanted :
       {&columns.image, &columns.language, &columns.question, &columns.answer,
        &columns.id}) {
    if (wanted->empty()) continue;
    const auto count =
        std::ranges::count(present, *wanted, &ColumnSketch::name);
    if (count == 1) continue;
    throw InputError(
        (count == 0 ? "no column '" : "more than one column '") +
            one_line(*wanted, 60) + "' in " + one_line(path.string(), 500),
        "columns: " + (names.empty() ? "none" : one_line(names, 300)),
        "give the data set's own files, or choose the other data set's name");
  }
}

}  // namespace lens::data
