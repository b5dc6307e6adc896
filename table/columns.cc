#include "table/columns.h"

#include <cmath>

namespace lens::table {
namespace {

// Whether every column with a field of the records has the field's type.
constexpr bool fields_have_their_types() {
  for (const Column& column : kColumns) {
    const bool of_samples = column.axes[0] == Dimension::kSample;
    const bool fits = std::visit(
        [&]<class Field>(Field) {
          const ColumnType type = column.type;
          if constexpr (std::is_same_v<Field, std::monostate>) {
            return !of_samples;
          } else if constexpr (std::is_same_v<Field,
                                              std::string SampleRecord::*>) {
            return of_samples && type == ColumnType::kString;
          } else if constexpr (std::is_same_v<Field,
                                              std::int64_t SampleRecord::*>) {
            return of_samples && type == ColumnType::kInt64;
          } else if constexpr (std::is_same_v<Field,
                                              std::int32_t SampleRecord::*>) {
            return of_samples && type == ColumnType::kInt32;
          } else if constexpr (std::is_same_v<Field,
                                              SampleStatus SampleRecord::*>) {
            return of_samples && type == ColumnType::kUint8;
          } else {
            return of_samples && type == ColumnType::kFloat;
          }
        },
        column.field);
    if (!fits) return false;
  }
  return true;
}
static_assert(fields_have_their_types());

}  // namespace

std::string_view type_name(ColumnType type) {
  switch (type) {
    case ColumnType::kString:
      return "str";
    case ColumnType::kInt64:
      return "i8";
    case ColumnType::kInt32:
      return "i4";
    case ColumnType::kUint8:
      return "u1";
    case ColumnType::kFloat:
      break;
  }
  return "f4";
}

std::size_t type_bytes(ColumnType type) {
  switch (type) {
    case ColumnType::kString:
      return 16;  // length, heap address and index
    case ColumnType::kInt64:
      return 8;
    case ColumnType::kUint8:
      return 1;
    case ColumnType::kInt32:
    case ColumnType::kFloat:
      break;
  }
  return 4;
}

std::string_view dimension_name(Dimension dimension) {
  switch (dimension) {
    case Dimension::kSample:
      return "sample";
    case Dimension::kSampleBound:
      return "sample_bound";
    case Dimension::kToken:
      return "token";
    case Dimension::kLayer:
      return "layer";
    case Dimension::kBlock:
      return "block";
    case Dimension::kRank:
      return "rank";
    case Dimension::kScript:
      return "script";
    case Dimension::kHiddenLayer:
      return "hidden_layer";
    case Dimension::kHiddenSize:
      break;
  }
  return "hidden_size";
}

bool is_root_dimension(Dimension dimension) {
  return dimension == Dimension::kLayer || dimension == Dimension::kBlock ||
         dimension == Dimension::kRank || dimension == Dimension::kScript;
}

Range Column::valid_range(std::int64_t vocabulary_size) const {
  const auto size = static_cast<double>(vocabulary_size);
  switch (bound) {
    case VocabularyBound::kLastId:
      return {valid_min, size - 1};
    case VocabularyBound::kSize:
      return {valid_min, size};
    case VocabularyBound::kLogSize:
      // An entropy is at most ln V, and a float32 may round above it.
      return {valid_min, std::log(size) + kRangeSlack};
    case VocabularyBound::kNone:
      break;
  }
  return {valid_min, valid_max};
}

const Column* find_column(std::string_view name) {
  for (const Column& column : kColumns) {
    if (column.name == name) return &column;
  }
  return nullptr;
}

bool Widths::has(const Column& column) const {
  if (column.presence == Presence::kWithHidden && hidden_layers == 0) {
    return false;
  }
  return columns.test(index_of(column));
}

std::int64_t Widths::row_elements(const Column& column) const {
  const Extents extents = {.widths = *this};
  std::int64_t elements = 1;
  // The first axis is that of rows.
  for (std::size_t i = 1; i < column.axes.size(); ++i) {
    elements *= extents.length(column.axes[i]);
  }
  return elements;
}

std::int64_t Extents::length(Dimension dimension) const {
  switch (dimension) {
    case Dimension::kSample:
      return samples;
    case Dimension::kSampleBound:
      return samples + 1;
    case Dimension::kToken:
      return tokens;
    case Dimension::kLayer:
      return widths.layers;
    case Dimension::kBlock:
      // States but the first, which no block has made.
      return widths.layers - 1;
    case Dimension::kRank:
      return widths.ranks;
    case Dimension::kScript:
      return widths.scripts;
    case Dimension::kHiddenLayer:
      return widths.hidden_layers;
    case Dimension::kHiddenSize:
      break;
  }
  return widths.hidden_size;
}

std::vector<std::int64_t> Extents::shape(const Column& column) const {
  std::vector<std::int64_t> lengths;
  for (const Dimension dimension : column.axes) {
    lengths.push_back(length(dimension));
  }
  return lengths;
}

std::vector<const Column*> columns_of(const Widths& widths) {
  std::vector<const Column*> columns;
  for (const Column& column : kColumns) {
    if (widths.has(column)) columns.push_back(&column);
  }
  return columns;
}

}  // namespace lens::table
