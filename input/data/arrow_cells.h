#pragma once

#include <arrow/array.h>
#include <arrow/type.h>

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

namespace lens::data {

// What a column of this type holds. A column without any value is of each kind
// but a list.
bool holds_text(const arrow::DataType& type);
bool holds_bytes(const arrow::DataType& type);
bool holds_list(const arrow::DataType& type);
// Text, numbers, or lists and structs of them.
bool holds_cells(const arrow::DataType& type);

// The same data with every text type read as bytes. Full validation of a text
// array would refuse the whole row group for one value that is not UTF-8; that
// is for the row to answer for, not for its neighbours.
std::shared_ptr<arrow::ArrayData> as_binary(const arrow::ArrayData& data);

// The value at `i` of a validated array of one of the binary types; nothing
// where it is null, or of another type.
std::optional<std::string_view> bytes_at(const arrow::Array& array,
                                         std::int64_t i);

// The value at `i` of a validated array for which holds_cells() was true.
nlohmann::json cell_at(const arrow::Array& array, std::int64_t i);

}  // namespace lens::data
