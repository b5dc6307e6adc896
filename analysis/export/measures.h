#pragma once

#include <concepts>
#include <cstddef>
#include <string_view>
#include <variant>
#include <vector>

#include "storage/reader.h"
#include "table/columns.h"
#include "table/token_rows.h"

namespace lens::analysis::tables {

// The columns [token, layer] of the long tables. The table's own columns about
// the top token stand between the two.
struct MeasureColumns {
  std::vector<const table::Column*> first;  // in an order that must not change
  std::vector<const table::Column*> later;  // all others, as the list has them
};

// Those that the data set has. Throws StorageError.
MeasureColumns measures_of(const storage::ResultsReader& results,
                           std::string_view dataset);

// Calls take(value) with a float or an std::int32_t.
template <class Take>
void with_value(const table::TokenRows& rows, const table::Column& column,
                std::size_t cell, const Take& take) {
  std::visit(
      [&]<class Value>(const std::vector<Value>& values) {
        if constexpr (std::same_as<Value, float> ||
                      std::same_as<Value, std::int32_t>) {
          take(values[cell]);
        }
      },
      rows.values(column));
}

}  // namespace lens::analysis::tables
