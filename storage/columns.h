#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "storage/schema.h"
#include "storage/unit_result.h"

namespace lens::storage {

// Values of some rows of one column, row-major.
using ColumnValues =
    std::variant<std::vector<std::string>, std::vector<std::int64_t>,
                 std::vector<std::int32_t>, std::vector<std::uint8_t>,
                 std::vector<float>>;

// The same, borrowed.
using ColumnView =
    std::variant<std::span<const std::string>, std::span<const std::int64_t>,
                 std::span<const std::int32_t>, std::span<const std::uint8_t>,
                 std::span<const float>>;

// Where a unit's rows begin in the group that it becomes a piece of.
struct RowBase {
  std::int64_t samples = 0;
  std::int64_t tokens = 0;
};

// Where the piece after `result` begins.
RowBase next(const RowBase& base, const UnitResult& result);

// The column's rows of `result`, as stored: text made storable, offsets and
// token_sample counted from `base`. Of token_offset the first entry is left out
// unless base.samples is 0, since the piece before ended with it; hidden_layer
// likewise is given once. The view lives as long as `result` and `scratch`.
// `result` holds the promises of check_unit().
ColumnView column_view(const Column& column, const UnitResult& result,
                       const RowBase& base, ColumnValues& scratch);

// Places what was read into `result`, whose samples already have their number.
// token_sample is ignored. The values have the column's type.
void assign_column(const Column& column, ColumnValues values,
                   UnitResult& result);

std::size_t element_count(const ColumnView& view);

// Lengths, offsets, and no tokens of failed samples. Throws StorageError that
// begins with `name`.
void check_unit(const UnitResult& result, const std::string& name);

}  // namespace lens::storage
