#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <variant>
#include <vector>

#include "table/columns.h"
#include "table/values.h"

namespace lens::table {

// The values of a token column. Does not compile for other columns.
template <ColumnName name>
requires(kColumns[column_index<name>()].of_tokens()) using TokenVector =
    std::vector<ValueOf<kColumns[column_index<name>()].type>>;

// Rows of the columns that have one to each token (Column::of_tokens), a vector
// a column. What the lens reads, what a unit has made and what a file gives
// back are all held in this.
//
//   rows.get<"entropy">()  std::vector<float>& [token, layer]
//
// Name and type are checked by the compiler. A column that widths.has() not is
// empty.
class TokenRows {
 public:
  TokenRows() : TokenRows(Widths()) {}
  explicit TokenRows(const Widths& of);

  // Number of tokens. All columns have as many rows, but for while a row is
  // being put together.
  std::size_t size() const { return get<"token_id">().size(); }

  template <ColumnName name>
  TokenVector<name>& get() {
    return std::get<TokenVector<name>>(values_[column_index<name>()]);
  }
  template <ColumnName name>
  const TokenVector<name>& get() const {
    return std::get<TokenVector<name>>(values_[column_index<name>()]);
  }

  // Its values of one token: [layer], say.
  template <ColumnName name>
  auto row(std::size_t token) const {
    constexpr const Column& column = kColumns[column_index<name>()];
    const auto length = static_cast<std::size_t>(widths.row_elements(column));
    return std::span(get<name>()).subspan(token * length, length);
  }

  // For who walks the list. Of the column's type.
  ColumnValues& values(const Column& column) {
    return values_[index_of(column)];
  }
  const ColumnValues& values(const Column& column) const {
    return values_[index_of(column)];
  }

  // Its values of one token.
  ColumnView view(const Column& column, std::size_t token) const;

  // Adds one row of `from` in every column that `from` has. Both have the same
  // lengths of rows.
  void append(const TokenRows& from, std::size_t row);

  bool operator==(const TokenRows&) const = default;

  Widths widths;

 private:
  std::array<ColumnValues, kColumnCount> values_;  // by index_of()
};

}  // namespace lens::table
