#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "table/columns.h"

// docs/format.md, section 3, says of each column what the list says.

namespace lens::table {
namespace {

struct DocumentRow {
  std::string name, type, shape, fill, units, rest;
};

std::vector<std::string> split(const std::string& text,
                               const std::string& separator) {
  std::vector<std::string> pieces;
  std::size_t begin = 0;
  for (;;) {
    const std::size_t end = text.find(separator, begin);
    pieces.push_back(text.substr(begin, end - begin));
    if (end == std::string::npos) return pieces;
    begin = end + separator.size();
  }
}

// The rows of columns in a group /DS; one for each name where a row has many.
std::vector<DocumentRow> document_rows() {
  const std::string kGroup = "| /DS/";
  std::vector<DocumentRow> rows;
  std::ifstream document(LENS_FORMAT_DOC);
  for (std::string line; std::getline(document, line);) {
    if (!line.starts_with(kGroup)) continue;
    // An empty cell has one space for its two.
    std::string even;
    for (const char c : line) {
      if (c == '|' && even.ends_with("| ")) even += ' ';
      even += c;
    }
    const auto cells = split(even.substr(kGroup.size()), " | ");
    EXPECT_EQ(cells.size(), 6u) << line;
    if (cells.size() != 6) continue;
    for (const std::string& name : split(cells[0], ", ")) {
      rows.push_back({name, cells[1], cells[2], cells[3], cells[4], cells[5]});
    }
  }
  return rows;
}

std::string shape_of(const Column& column) {
  std::string shape;
  for (const Dimension dimension : column.axes) {
    shape += (shape.empty() ? "[" : ", ");
    shape += dimension_name(dimension);
  }
  return shape + "]";
}

std::string fill_of(ColumnType type) {
  if (type == ColumnType::kString) return "\"\"";
  return type == ColumnType::kFloat ? "NaN" : "0";
}

bool says(const DocumentRow& row, std::string_view text) {
  return row.rest.find(text) != std::string::npos;
}

TEST(FormatDocument, HasEveryColumnInTheOrderOfTheList) {
  std::vector<std::string> documented, listed;
  for (const DocumentRow& row : document_rows()) {
    documented.push_back(row.name);
  }
  for (const Column& column : kColumns) listed.emplace_back(column.name);
  EXPECT_EQ(documented, listed);
}

TEST(FormatDocument, SaysOfEachColumnWhatTheListSays) {
  for (const DocumentRow& row : document_rows()) {
    SCOPED_TRACE(row.name);
    const Column* column = find_column(row.name);
    ASSERT_NE(column, nullptr);
    EXPECT_EQ(row.type, type_name(column->type));
    EXPECT_EQ(row.shape, shape_of(*column));
    EXPECT_EQ(row.fill, fill_of(column->type));
    EXPECT_EQ(row.units, column->units);
    const Range range = column->valid_range(1000);
    const bool flags = !column->flag_meanings.empty();
    EXPECT_EQ(says(row, "valid_min"), !flags && !std::isnan(range.low));
    EXPECT_EQ(says(row, "valid_max"), !flags && !std::isnan(range.high));
    EXPECT_EQ(says(row, "flag_meanings"), flags);
    if (flags) {
      EXPECT_TRUE(says(row, "`" + std::string(column->flag_meanings) + "`"));
    }
    EXPECT_TRUE(says(row, column->extra_attribute));
    EXPECT_EQ(says(row, "only with `--save-hidden`"),
              column->presence == Presence::kWithHidden);
    EXPECT_EQ(says(row, "not in older files"),
              column->presence == Presence::kOptional);
  }
}

}  // namespace
}  // namespace lens::table
