#include "table/token_rows.h"

namespace lens::table {

TokenRows::TokenRows(const Widths& of) : widths(of) {
  for (const Column& column : kColumns) {
    values(column) = no_values(column.type);
  }
}

ColumnView TokenRows::view(const Column& column, std::size_t token) const {
  const auto length = static_cast<std::size_t>(widths.row_elements(column));
  return std::visit(
      [&](const auto& typed) -> ColumnView {
        return std::span(typed).subspan(token * length, length);
      },
      values(column));
}

void TokenRows::append(const TokenRows& from, std::size_t row) {
  for (const Column& column : kColumns) {
    if (!column.of_tokens() || !from.widths.has(column)) continue;
    const auto length = from.widths.row_elements(column);
    const auto begin = static_cast<std::ptrdiff_t>(row) * length;
    std::visit(
        [&]<class Values>(Values& to) {
          const auto first =
              std::get<Values>(from.values(column)).begin() + begin;
          to.insert(to.end(), first, first + length);
        },
        values(column));
  }
}

}  // namespace lens::table
