#include "model/checkpoint/tensor_loader.h"

#include <utility>

namespace lens::model {

TensorLoader::TensorLoader(const std::filesystem::path& folder,
                           TensorTable asked, at::ScalarType dtype,
                           at::Device device)
    : table_(folder, std::move(asked)), dtype_(dtype), device_(device) {
  for (const std::string& file : table_.files()) {
    files_.emplace(file, SafetensorsFile(folder / file));
  }
}

at::Tensor TensorLoader::tensor(const std::string& name) const {
  const CheckpointFiles::Tensor& place = table_.tensors().at(name);
  return files_.at(place.file).tensor(place.stored_name).to(device_, dtype_);
}

}  // namespace lens::model
