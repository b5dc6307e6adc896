#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "table/column.h"

namespace lens::table {

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

// No values, of this type.
ColumnValues no_values(ColumnType type);

ColumnView view_of(const ColumnValues& values);

std::size_t element_count(const ColumnView& view);

// The C++ type of one value.
template <ColumnType type>
using ValueOf = std::conditional_t<
    type == ColumnType::kString, std::string,
    std::conditional_t<
        type == ColumnType::kInt64, std::int64_t,
        std::conditional_t<type == ColumnType::kInt32, std::int32_t,
                           std::conditional_t<type == ColumnType::kUint8,
                                              std::uint8_t, float>>>>;

}  // namespace lens::table
