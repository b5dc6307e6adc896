#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "model/checkpoint/safetensors_header.h"

namespace lens::model {

// One .safetensors file, mapped read-only, its header checked when it is
// opened. Thread-safe.
class SafetensorsFile {
 public:
  // Throws lens::InputError.
  explicit SafetensorsFile(const std::filesystem::path& file);

  const std::map<std::string, TensorEntry>& entries() const {
    return header_.entries;
  }
  bool contains(const std::string& name) const {
    return header_.entries.contains(name);
  }

  // A CPU tensor over the mapped bytes; it keeps the mapping alive and must not
  // be written to. Throws lens::InputError: unknown name or a dtype that has no
  // ATen type here.
  at::Tensor tensor(const std::string& name) const;

  // Gives the memory back that the pages of a tensor take in this process. They
  // are read again where somebody looks at them.
  void forget(const std::string& name) const;

 private:
  struct Mapping;

  std::filesystem::path file_;
  SafetensorsHeader header_;
  std::shared_ptr<const Mapping> mapping_;
};

}  // namespace lens::model
