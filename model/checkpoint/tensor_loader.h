#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "model/checkpoint/checkpoint_files.h"
#include "model/checkpoint/reading.h"
#include "model/checkpoint/safetensors.h"
#include "model/ranks.h"
#include "model/share.h"

namespace lens::model {

// Fetches the tensors of a checkpoint by their official names, or what a
// rank holds of them, and brings them to one dtype and device. On the CPU and
// without a change of dtype they are views of the mapped files, save where a
// cut leaves pieces. What was only read to be copied takes no memory
// afterwards.
class TensorLoader {
 public:
  // Throws lens::InputError as CheckpointFiles, which checks all that is there.
  //   cuts  what this rank of `ranks` holds
  TensorLoader(const std::filesystem::path& folder, TensorTable asked,
               at::ScalarType dtype, at::Device device, Cuts cuts = {},
               const Ranks& ranks = {});

  bool contains(const std::string& name) const {
    return table_.tensors().contains(name);
  }

  // Ranks that share the weights ask for the same tensors in the same order.
  at::Tensor tensor(const std::string& name) const;

 private:
  at::Tensor handed_on(const CheckpointFiles::Tensor& place) const;

  // constant after construction
  const CheckpointFiles table_;
  std::map<std::string, SafetensorsFile> files_;
  const at::ScalarType dtype_;
  const at::Device device_;
  const Cuts cuts_;
  const std::shared_ptr<collective::Collective> ranks_;
  const Reading reading_;
};

}  // namespace lens::model
