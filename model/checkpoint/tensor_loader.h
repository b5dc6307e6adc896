#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <string>

#include "model/checkpoint/checkpoint_files.h"
#include "model/checkpoint/safetensors.h"
#include "model/share.h"

namespace lens::model {

// Fetches the tensors of a checkpoint by their official names, or what `cuts`
// leaves of them, and brings them to one dtype and device. On the CPU and
// without a change of dtype they are views of the mapped files, save where a
// cut leaves pieces. What was only read to be copied takes no memory
// afterwards.
class TensorLoader {
 public:
  // Throws lens::InputError as CheckpointFiles, which checks all that is there.
  TensorLoader(const std::filesystem::path& folder, TensorTable asked,
               at::ScalarType dtype, at::Device device, Cuts cuts = {});

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
  const Cuts cuts_;
};

}  // namespace lens::model
