#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <string>

#include "model/checkpoint/checkpoint_files.h"
#include "model/checkpoint/safetensors.h"

namespace lens::model {

// Fetches the tensors of a checkpoint by their official names and brings them
// to one dtype and device. On the CPU and without a change of dtype they are
// views of the mapped files.
class TensorLoader {
 public:
  // Throws lens::InputError as CheckpointFiles, which checks all that is there.
  TensorLoader(const std::filesystem::path& folder, TensorTable asked,
               at::ScalarType dtype, at::Device device);

  bool contains(const std::string& name) const {
    return table_.tensors().contains(name);
  }

  at::Tensor tensor(const std::string& name) const;

 private:
  // constant after construction
  const CheckpointFiles table_;
  std::map<std::string, SafetensorsFile> files_;
  const at::ScalarType dtype_;
  const at::Device device_;
};

}  // namespace lens::model
