#include <algorithm>
#include <optional>
#include <utility>

#include "base/error.h"
#include "input/data/code_points.h"
#include "input/data/record_file.h"
#include "input/data/text_rows.h"

namespace lens::data {
namespace {

// The values of a record; nothing where a quote is not closed or followed by
// text.
std::optional<std::vector<std::string>> values_of(std::string_view record) {
  std::vector<std::string> values;
  std::size_t at = 0;
  for (;;) {
    std::string value;
    if (at < record.size() && record[at] == '"') {
      for (;;) {
        const std::size_t quote = record.find('"', at + 1);
        if (quote == std::string_view::npos) return std::nullopt;
        value.append(record.substr(at + 1, quote - at - 1));
        at = quote + 1;
        if (at >= record.size() || record[at] != '"') break;
        value.push_back('"');  // doubled: itself
      }
      if (at < record.size() && record[at] != ',') return std::nullopt;
    } else {
      const std::size_t end = std::min(record.find(',', at), record.size());
      value = record.substr(at, end - at);
      at = end;
    }
    values.push_back(std::move(value));
    if (at >= record.size()) return values;
    ++at;  // the comma
  }
}

class CsvFile final : public RowFile {
 public:
  explicit CsvFile(const std::filesystem::path& path)
      : records_(path, Quoting::kCsv) {
    if (records_.groups() == 0 || records_.records(0) == 0) {
      throw InputError("cannot read " + one_line(path.string(), 500),
                       "it is empty", "give a CSV file with a header");
    }
    const std::string text = records_.read(0);
    if (auto header = values_of(records_.cut(0, text).front().text)) {
      header_ = std::move(*header);
    } else {
      throw InputError("cannot read " + one_line(path.string(), 500),
                       "its first line is no header",
                       "give a CSV file with a header");
    }
  }

  void use(const Columns& columns) {
    require_columns(records_.path(), sketch(), columns);
    const auto place = [&](const std::string& name) {
      // A column without a name is there too, where an index was written.
      return name.empty()
                 ? header_.size()
                 : static_cast<std::size_t>(std::ranges::find(header_, name) -
                                            header_.begin());
    };
    cells_ = {{place(columns.image), &Cells::image},
              {place(columns.question), &Cells::question},
              {place(columns.answer), &Cells::answer},
              {place(columns.language), &Cells::language},
              {place(columns.id), &Cells::id}};
  }

  std::vector<ColumnSketch> sketch() const {
    std::vector<ColumnSketch> columns;
    for (const std::string& name : header_) {
      columns.push_back({.name = name, .type = "string"});
    }
    return columns;
  }

  int row_groups() const override { return records_.groups(); }
  std::int64_t rows(int group) const override {
    return records_.records(group) - (group == 0 ? 1 : 0);
  }

  std::vector<Cells> read_cells(int group) const override {
    const std::string text = records_.read(group);
    std::vector<Record> records = records_.cut(group, text);
    if (group == 0 && !records.empty()) records.erase(records.begin());
    std::vector<Cells> rows;
    for (const Record& record : records) rows.push_back(cells_of(record));
    return rows;
  }

 private:
  Cells cells_of(const Record& record) const {
    Cells cells;
    const std::string line = "line " + std::to_string(record.line);
    if (record.too_long) {
      cells.damage = line + " has more than 64 MiB (is a quote not closed?)";
      return cells;
    }
    const auto values = values_of(record.text);
    if (!values) {
      cells.damage =
          line + " has a quote that is not closed, or text behind it";
      return cells;
    }
    if (values->size() != header_.size()) {
      cells.damage = line + " has " + std::to_string(values->size()) +
                     " values, the header " + std::to_string(header_.size());
      return cells;
    }
    for (const auto& [place, cell] : cells_) {
      if (place < values->size() && !(*values)[place].empty()) {
        cells.*cell = (*values)[place];
      }
    }
    return cells;
  }

  RecordFile records_;
  std::vector<std::string> header_;
  // Where each cell stands; past the end for those that are not in use.
  std::vector<std::pair<std::size_t, nlohmann::json Cells::*>> cells_;
};

}  // namespace

std::unique_ptr<RowFile> open_csv(const std::filesystem::path& path,
                                  const Columns& columns) {
  auto file = std::make_unique<CsvFile>(path);
  file->use(columns);
  return file;
}

std::vector<ColumnSketch> sketch_csv(const std::filesystem::path& path) {
  return CsvFile(path).sketch();
}

}  // namespace lens::data
