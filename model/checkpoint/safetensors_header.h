#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace lens::model {

// What the header of a .safetensors file says of one tensor.
struct TensorEntry {
  std::string dtype;  // as in the file: "F32", "BF16", "F16", "I64", ...
  std::vector<std::int64_t> shape;
  std::size_t begin = 0;  // within the data section
  std::size_t end = 0;
};

// The header of one .safetensors file. Everything it claims has been checked
// (size, order, overlap, holes, lengths, dtypes), so that a hostile or
// truncated file is refused with one line and never read out of bounds.
struct SafetensorsHeader {
  std::map<std::string, TensorEntry> entries;
  std::size_t data_offset = 0;  // where the data section begins
  std::size_t file_bytes = 0;

  // Reads no data. Throws lens::InputError.
  static SafetensorsHeader read(const std::filesystem::path& file);
};

}  // namespace lens::model
