#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace lens::model {

// One .safetensors file, mapped read-only. Everything the header claims is
// checked when it is opened (size, order, overlap, holes, lengths, dtypes), so
// that a hostile or truncated file is refused with one line and never read out
// of bounds. Thread-safe.
class SafetensorsFile {
 public:
  struct Entry {
    std::string dtype;  // as in the file: "F32", "BF16", "F16", "I64", ...
    std::vector<std::int64_t> shape;
    std::size_t begin = 0;  // within the data section
    std::size_t end = 0;
  };

  // Throws lens::InputError.
  explicit SafetensorsFile(const std::filesystem::path& file);

  const std::map<std::string, Entry>& entries() const { return entries_; }
  bool contains(const std::string& name) const {
    return entries_.contains(name);
  }

  // A CPU tensor over the mapped bytes; it keeps the mapping alive and must not
  // be written to. Throws lens::InputError: unknown name or a dtype that has no
  // ATen type here.
  at::Tensor tensor(const std::string& name) const;

 private:
  struct Mapping;

  std::filesystem::path file_;
  std::shared_ptr<const Mapping> mapping_;
  std::size_t data_offset_ = 0;
  std::map<std::string, Entry> entries_;
};

}  // namespace lens::model
