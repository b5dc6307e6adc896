#include "storage/hdf5/attributes.h"

namespace lens::storage::hdf5 {
namespace {

void set_value(H5::H5Object& object, const std::string& name,
               const H5::DataType& type, const void* value) {
  object.createAttribute(name, type, H5::DataSpace(H5S_SCALAR))
      .write(type, value);
}

// Of the class and with one element; else nullopt.
std::optional<H5::Attribute> scalar(const H5::H5Object& object,
                                    const std::string& name, H5T_class_t kind) {
  if (checked(H5Aexists(object.getId(), name.c_str())) == 0) return {};
  H5::Attribute attribute = object.openAttribute(name);
  if (attribute.getTypeClass() != kind ||
      attribute.getSpace().getSimpleExtentNpoints() != 1) {
    return {};
  }
  return attribute;
}

}  // namespace

void set(H5::H5Object& object, const std::string& name, std::string_view text) {
  const std::string owned(text);
  const char* pointer = owned.c_str();
  set_value(object, name, file_type(ColumnType::kString), &pointer);
}

void set(H5::H5Object& object, const std::string& name, std::int32_t value) {
  set_value(object, name, H5::PredType::STD_I32LE, &value);
}

void set(H5::H5Object& object, const std::string& name, std::int64_t value) {
  set_value(object, name, H5::PredType::STD_I64LE, &value);
}

void set(H5::H5Object& object, const std::string& name, std::uint64_t value) {
  set_value(object, name, H5::PredType::STD_U64LE, &value);
}

void set(H5::H5Object& object, const std::string& name, std::uint8_t value) {
  set_value(object, name, H5::PredType::STD_U8LE, &value);
}

void set(H5::H5Object& object, const std::string& name, float value) {
  set_value(object, name, H5::PredType::IEEE_F32LE, &value);
}

void set(H5::H5Object& object, const std::string& name,
         std::span<const std::uint8_t> values) {
  const hsize_t count = values.size();
  object.createAttribute(name, H5::PredType::STD_U8LE, H5::DataSpace(1, &count))
      .write(H5::PredType::NATIVE_UINT8, values.data());
}

std::optional<std::string> text_attribute(const H5::H5Object& object,
                                          const std::string& name) {
  const auto attribute = scalar(object, name, H5T_STRING);
  if (!attribute || !attribute->getDataType().isVariableStr()) return {};
  const H5::DataType type = file_type(ColumnType::kString);
  char* borrowed = nullptr;
  attribute->read(type, &borrowed);
  std::string text = borrowed ? borrowed : "";
  const H5::DataSpace space(H5S_SCALAR);
  checked(H5Dvlen_reclaim(type.getId(), space.getId(), H5P_DEFAULT, &borrowed));
  return text;
}

std::optional<std::int64_t> integer_attribute(const H5::H5Object& object,
                                              const std::string& name) {
  const auto attribute = scalar(object, name, H5T_INTEGER);
  if (!attribute) return {};
  std::int64_t value = 0;
  attribute->read(H5::PredType::NATIVE_INT64, &value);
  return value;
}

std::optional<std::uint64_t> unsigned_attribute(const H5::H5Object& object,
                                                const std::string& name) {
  const auto attribute = scalar(object, name, H5T_INTEGER);
  if (!attribute) return {};
  std::uint64_t value = 0;
  attribute->read(H5::PredType::NATIVE_UINT64, &value);
  return value;
}

}  // namespace lens::storage::hdf5
