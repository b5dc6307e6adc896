#include "storage/hdf5/rows.h"

#include <algorithm>

#include "storage/hdf5/chunk_reader.h"

namespace lens::storage::hdf5 {
namespace {

// Rows [begin, end) of a data set, where they lie in the file and in memory.
struct Rows {
  hsize_t begin = 0, end = 0;
  H5::DataSpace file, memory;
};

Rows select_rows(const H5::DataSet& dataset, hsize_t begin, hsize_t end) {
  Rows rows = {
      .begin = begin, .end = end, .file = dataset.getSpace(), .memory = {}};
  Lengths count = lengths_of(dataset);
  Lengths start(count.size(), 0);
  start[0] = begin;
  count[0] = end - begin;
  rows.file.selectHyperslab(H5S_SELECT_SET, count.data(), start.data());
  rows.memory = H5::DataSpace(static_cast<int>(count.size()), count.data());
  return rows;
}

// What a text counts for: 8,192 are read at a time.
constexpr std::size_t kTextBytes = kBlockBytes >> 13;

// Calls read(begin, end) for pieces of the rows.
template <class Read>
void for_each_block(const Rows& rows, std::size_t row_bytes, Read&& read) {
  const hsize_t block =
      std::max<hsize_t>(1, kBlockBytes / std::max<std::size_t>(row_bytes, 1));
  for (hsize_t at = rows.begin; at < rows.end;) {
    const hsize_t end = std::min(rows.end, at + block);
    read(at, end);
    mark_read_step();
    at = end;
  }
}

template <class Value>
std::vector<Value> room_for(const Rows& rows) {
  return std::vector<Value>(
      static_cast<std::size_t>(rows.memory.getSimpleExtentNpoints()));
}

template <class Value>
ColumnValues read_numbers(const H5::DataSet& dataset, const H5::DataType& type,
                          const Rows& rows) {
  auto values = room_for<Value>(rows);
  // Chunks hold the type of the file; where memory has another, the library
  // converts.
  const bool as_stored =
      checked(H5Tequal(dataset.getDataType().getId(), type.getId())) > 0;
  if (as_stored &&
      read_chunks(dataset, rows.begin, rows.end, std::span(values)))
    return values;
  const std::size_t row_elements = values.size() / (rows.end - rows.begin);
  for_each_block(
      rows, row_elements * sizeof(Value), [&](hsize_t at, hsize_t end) {
        const Rows block = select_rows(dataset, at, end);
        dataset.read(values.data() + (at - rows.begin) * row_elements, type,
                     block.memory, block.file);
      });
  return values;
}

ColumnValues read_texts(const H5::DataSet& dataset, const Rows& rows) {
  const H5::DataType type = file_type(ColumnType::kString);
  std::vector<std::string> texts;
  texts.reserve(rows.end - rows.begin);
  for_each_block(rows, kTextBytes, [&](hsize_t at, hsize_t end) {
    const Rows block = select_rows(dataset, at, end);
    auto borrowed = room_for<char*>(block);
    dataset.read(borrowed.data(), type, block.memory, block.file);
    for (const char* text : borrowed) texts.emplace_back(text ? text : "");
    // Each text was allocated by the library.
    checked(H5Dvlen_reclaim(type.getId(), block.memory.getId(), H5P_DEFAULT,
                            borrowed.data()));
  });
  return texts;
}

}  // namespace

void write_rows(H5::DataSet& dataset, hsize_t begin, hsize_t count,
                const ColumnView& values) {
  if (count == 0) return;
  const Rows rows = select_rows(dataset, begin, begin + count);
  if (const auto* texts = std::get_if<std::span<const std::string>>(&values)) {
    std::vector<const char*> pointers;
    pointers.reserve(texts->size());
    for (const std::string& text : *texts) pointers.push_back(text.c_str());
    dataset.write(pointers.data(), file_type(ColumnType::kString), rows.memory,
                  rows.file);
    return;
  }
  const H5::DataType type = dataset.getDataType();
  std::visit(
      [&](const auto& numbers) {
        dataset.write(numbers.data(), type, rows.memory, rows.file);
      },
      values);
}

ColumnValues read_rows(const H5::DataSet& dataset, ColumnType type,
                       hsize_t begin, hsize_t end) {
  if (begin == end) return table::no_values(type);
  const Rows rows = select_rows(dataset, begin, end);
  const H5::DataType native = memory_type(type);
  switch (type) {
    case ColumnType::kString:
      return read_texts(dataset, rows);
    case ColumnType::kInt64:
      return read_numbers<std::int64_t>(dataset, native, rows);
    case ColumnType::kInt32:
      return read_numbers<std::int32_t>(dataset, native, rows);
    case ColumnType::kUint8:
      return read_numbers<std::uint8_t>(dataset, native, rows);
    case ColumnType::kFloat:
      break;
  }
  return read_numbers<float>(dataset, native, rows);
}

}  // namespace lens::storage::hdf5
