#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "input/data/code_points.h"
#include "input/data/record_file.h"
#include "input/data/text_rows.h"
#include "input/file/json_object.h"

namespace lens::data {
namespace {

using Json = nlohmann::json;

std::string line_name(const Record& record) {
  return "line " + std::to_string(record.line);
}

// The object of a line. Throws lens::InputError.
Json object_of(const Record& record) {
  if (record.too_long) {
    throw InputError(line_name(record) + " has more than 64 MiB");
  }
  WatchedJson parsed;
  try {
    parsed = parse_watched(record.text);
  } catch (const std::exception&) {
    throw InputError(line_name(record) + " is not JSON",
                     one_line(record.text, 60));
  }
  if (!parsed.value.is_object()) {
    throw InputError(line_name(record) + " is no JSON object",
                     one_line(record.text, 60));
  }
  if (!parsed.doubled.empty()) {
    throw InputError(line_name(record) + " has the key '" +
                     one_line(parsed.doubled, 60) + "' twice");
  }
  return std::move(parsed.value);
}

class JsonlFile final : public RowFile {
 public:
  JsonlFile(const std::filesystem::path& path, Columns columns)
      : records_(path, Quoting::kNone), columns_(std::move(columns)) {}

  int row_groups() const override { return records_.groups(); }
  std::int64_t rows(int group) const override {
    return records_.records(group);
  }

  std::vector<Cells> read_cells(int group) const override {
    const std::string text = records_.read(group);
    std::vector<Cells> rows;
    for (const Record& record : records_.cut(group, text)) {
      rows.push_back(cells_of(record));
    }
    return rows;
  }

  const RecordFile& records() const { return records_; }

 private:
  Cells cells_of(const Record& record) const {
    Cells cells;
    try {
      Json object = object_of(record);
      const auto take = [&](const std::string& column) {
        const auto value = object.find(column);
        return column.empty() || value == object.end() ? Json() : *value;
      };
      cells.image = take(columns_.image);
      cells.question = take(columns_.question);
      cells.answer = take(columns_.answer);
      cells.language = take(columns_.language);
      cells.id = take(columns_.id);
    } catch (const InputError& error) {
      cells.damage = error.what();
    }
    return cells;
  }

  // constant after construction
  RecordFile records_;
  Columns columns_;
};

// By the first lines: the keys of 100,000 lines are seldom others.
std::vector<ColumnSketch> sketch(const RecordFile& records) {
  std::vector<ColumnSketch> columns;
  if (records.groups() == 0) return columns;
  const std::string text = records.read(0);
  for (const Record& record : records.cut(0, text)) {
    try {
      const Json object = object_of(record);
      for (const auto& [key, value] : object.items()) {
        const auto known = std::ranges::find(columns, key, &ColumnSketch::name);
        if (known == columns.end()) {
          columns.push_back({.name = key, .type = value.type_name()});
        } else if (known->type == "null") {
          known->type = value.type_name();
        }
      }
    } catch (const InputError&) {
      continue;  // told of when its row is read
    }
  }
  return columns;
}

}  // namespace

std::unique_ptr<RowFile> open_jsonl(const std::filesystem::path& path,
                                    const Columns& columns) {
  auto file = std::make_unique<JsonlFile>(path, columns);
  require_columns(path, sketch(file->records()), columns);
  return file;
}

std::vector<ColumnSketch> sketch_jsonl(const std::filesystem::path& path) {
  return sketch(RecordFile(path, Quoting::kNone));
}

}  // namespace lens::data
