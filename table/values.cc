#include "table/values.h"

namespace lens::table {

ColumnValues no_values(ColumnType type) {
  switch (type) {
    case ColumnType::kString:
      return std::vector<std::string>();
    case ColumnType::kInt64:
      return std::vector<std::int64_t>();
    case ColumnType::kInt32:
      return std::vector<std::int32_t>();
    case ColumnType::kUint8:
      return std::vector<std::uint8_t>();
    case ColumnType::kFloat:
      break;
  }
  return std::vector<float>();
}

ColumnView view_of(const ColumnValues& values) {
  return std::visit(
      [](const auto& typed) -> ColumnView { return std::span(typed); }, values);
}

std::size_t element_count(const ColumnView& view) {
  return std::visit([](const auto& values) { return values.size(); }, view);
}

}  // namespace lens::table
