#include "input/data/open_rows.h"

#include <string>
#include <utility>

#include "input/data/parquet_file.h"
#include "input/data/picture_folder.h"
#include "input/data/text_rows.h"

namespace lens::data {
namespace {

namespace fs = std::filesystem;

// A row for each picture.
class PictureList final : public RowFile {
 public:
  explicit PictureList(std::vector<std::string> names)
      : names_(std::move(names)) {}

  int row_groups() const override { return 1; }
  std::int64_t rows(int /*group*/) const override {
    return static_cast<std::int64_t>(names_.size());
  }
  std::vector<Cells> read_cells(int /*group*/) const override {
    std::vector<Cells> rows(names_.size());
    for (std::size_t i = 0; i < names_.size(); ++i) {
      rows[i].image = names_[i];
      rows[i].id = names_[i];
    }
    return rows;
  }

 private:
  const std::vector<std::string> names_;
};

}  // namespace

std::unique_ptr<RowFile> open_rows(const fs::path& path,
                                   const Columns& columns) {
  const std::string_view format = format_of(path);
  if (format == "JSONL") return open_jsonl(path, columns);
  if (format == "CSV") return open_csv(path, columns);
  return std::make_unique<ParquetFile>(path, columns);
}

std::unique_ptr<RowFile> open_pictures(const std::vector<fs::path>& pictures,
                                       const fs::path& root) {
  std::vector<std::string> names;
  for (const fs::path& picture : pictures) {
    const fs::path name = picture.lexically_relative(root);
    // One picture that was given itself.
    names.push_back((name.empty() || name == "." ? picture.filename() : name)
                        .generic_string());
  }
  return std::make_unique<PictureList>(std::move(names));
}

std::vector<ColumnSketch> sketch_columns(const fs::path& path) {
  const std::string_view format = format_of(path);
  if (format == "JSONL") return sketch_jsonl(path);
  if (format == "CSV") return sketch_csv(path);
  if (format == "Parquet") return ParquetFile::sketch(path);
  return {{.name = std::string(kFileName), .type = "string"}};
}

}  // namespace lens::data
