#include "input/data/arrow_cells.h"

#include <string>
#include <utility>

namespace lens::data {
namespace {

using arrow::Type;

// Deeper than any column of questions and answers; bounds our own recursion.
constexpr int kMaxDepth = 8;

bool holds_cells(const arrow::DataType& type, int depth) {
  if (depth > kMaxDepth) return false;
  switch (type.id()) {
    case Type::BOOL:
    case Type::INT8:
    case Type::INT16:
    case Type::INT32:
    case Type::INT64:
    case Type::UINT8:
    case Type::UINT16:
    case Type::UINT32:
    case Type::UINT64:
    case Type::FLOAT:
    case Type::DOUBLE:
      return true;
    case Type::LIST:
    case Type::LARGE_LIST:
    case Type::FIXED_SIZE_LIST:
    case Type::STRUCT:
      for (const auto& field : type.fields()) {
        if (!holds_cells(*field->type(), depth + 1)) return false;
      }
      return true;
    default:
      return lens::data::holds_text(type);
  }
}

template <class Array>
nlohmann::json number_at(const arrow::Array& array, std::int64_t i) {
  return static_cast<const Array&>(array).Value(i);
}

template <class List>
nlohmann::json list_at(const arrow::Array& array, std::int64_t i) {
  const auto& list = static_cast<const List&>(array);
  nlohmann::json values = nlohmann::json::array();
  for (std::int64_t at = list.value_offset(i);
       at < list.value_offset(i) + list.value_length(i); ++at) {
    values.push_back(cell_at(*list.values(), at));
  }
  return values;
}

nlohmann::json struct_at(const arrow::Array& array, std::int64_t i) {
  const auto& whole = static_cast<const arrow::StructArray&>(array);
  nlohmann::json members = nlohmann::json::object();
  for (int field = 0; field < whole.num_fields(); ++field) {
    members[whole.type()->field(field)->name()] =
        cell_at(*whole.field(field), i);
  }
  return members;
}

}  // namespace

bool holds_text(const arrow::DataType& type) {
  switch (type.id()) {
    case Type::STRING:
    case Type::LARGE_STRING:
    case Type::STRING_VIEW:
    case Type::NA:  // a column without any value
      return true;
    case Type::DICTIONARY:
      return holds_text(
          *static_cast<const arrow::DictionaryType&>(type).value_type());
    default:
      return false;
  }
}

bool holds_bytes(const arrow::DataType& type) {
  switch (type.id()) {
    case Type::BINARY:
    case Type::LARGE_BINARY:
    case Type::BINARY_VIEW:
    case Type::NA:
      return true;
    case Type::DICTIONARY:
      return holds_bytes(
          *static_cast<const arrow::DictionaryType&>(type).value_type());
    default:
      return false;
  }
}

std::shared_ptr<arrow::ArrayData> as_binary(const arrow::ArrayData& data) {
  // The buffers are shared: only the type is another.
  std::shared_ptr<arrow::ArrayData> copy = data.Copy();
  switch (data.type->id()) {
    case Type::STRING:
      copy->type = arrow::binary();
      break;
    case Type::LARGE_STRING:
      copy->type = arrow::large_binary();
      break;
    case Type::STRING_VIEW:
      copy->type = arrow::binary_view();
      break;
    case Type::DICTIONARY: {
      const auto& type = static_cast<const arrow::DictionaryType&>(*data.type);
      copy->dictionary = as_binary(*data.dictionary);
      copy->type = arrow::dictionary(type.index_type(), copy->dictionary->type,
                                     type.ordered());
      break;
    }
    case Type::STRUCT: {
      arrow::FieldVector fields;
      for (std::size_t i = 0; i < copy->child_data.size(); ++i) {
        copy->child_data[i] = as_binary(*copy->child_data[i]);
        fields.push_back(data.type->field(static_cast<int>(i))
                             ->WithType(copy->child_data[i]->type));
      }
      copy->type = arrow::struct_(std::move(fields));
      break;
    }
    case Type::LIST:
    case Type::LARGE_LIST:
    case Type::FIXED_SIZE_LIST: {
      copy->child_data[0] = as_binary(*copy->child_data[0]);
      const auto item =
          data.type->field(0)->WithType(copy->child_data[0]->type);
      copy->type =
          data.type->id() == Type::LIST ? arrow::list(item)
          : data.type->id() == Type::LARGE_LIST
              ? arrow::large_list(item)
              : arrow::fixed_size_list(
                    item,
                    static_cast<const arrow::FixedSizeListType&>(*data.type)
                        .list_size());
      break;
    }
    default:
      break;
  }
  return copy;
}

std::optional<std::string_view> bytes_at(const arrow::Array& array,
                                         std::int64_t i) {
  if (array.IsNull(i)) return std::nullopt;
  switch (array.type_id()) {
    case Type::BINARY:
      return static_cast<const arrow::BinaryArray&>(array).GetView(i);
    case Type::LARGE_BINARY:
      return static_cast<const arrow::LargeBinaryArray&>(array).GetView(i);
    case Type::BINARY_VIEW:
      return static_cast<const arrow::BinaryViewArray&>(array).GetView(i);
    case Type::DICTIONARY: {
      const auto& coded = static_cast<const arrow::DictionaryArray&>(array);
      return bytes_at(*coded.dictionary(), coded.GetValueIndex(i));
    }
    default:
      return std::nullopt;
  }
}

bool holds_list(const arrow::DataType& type) {
  return (type.id() == Type::LIST || type.id() == Type::LARGE_LIST ||
          type.id() == Type::FIXED_SIZE_LIST) &&
         holds_cells(type);
}

bool holds_cells(const arrow::DataType& type) { return holds_cells(type, 0); }

nlohmann::json cell_at(const arrow::Array& array, std::int64_t i) {
  if (array.IsNull(i)) return nullptr;
  switch (array.type_id()) {
    case Type::BOOL:
      return number_at<arrow::BooleanArray>(array, i);
    case Type::INT8:
      return number_at<arrow::Int8Array>(array, i);
    case Type::INT16:
      return number_at<arrow::Int16Array>(array, i);
    case Type::INT32:
      return number_at<arrow::Int32Array>(array, i);
    case Type::INT64:
      return number_at<arrow::Int64Array>(array, i);
    case Type::UINT8:
      return number_at<arrow::UInt8Array>(array, i);
    case Type::UINT16:
      return number_at<arrow::UInt16Array>(array, i);
    case Type::UINT32:
      return number_at<arrow::UInt32Array>(array, i);
    case Type::UINT64:
      return number_at<arrow::UInt64Array>(array, i);
    case Type::FLOAT:
      return number_at<arrow::FloatArray>(array, i);
    case Type::DOUBLE:
      return number_at<arrow::DoubleArray>(array, i);
    case Type::LIST:
      return list_at<arrow::ListArray>(array, i);
    case Type::LARGE_LIST:
      return list_at<arrow::LargeListArray>(array, i);
    case Type::FIXED_SIZE_LIST:
      return list_at<arrow::FixedSizeListArray>(array, i);
    case Type::STRUCT:
      return struct_at(array, i);
    default: {
      const auto bytes = bytes_at(array, i);
      return bytes ? nlohmann::json(*bytes) : nlohmann::json();
    }
  }
}

}  // namespace lens::data
