#include "model/checkpoint/tensor_loader.h"

#include <ATen/ops/cat.h>

#include <utility>
#include <vector>

namespace lens::model {
namespace {

at::Tensor cut_out(const at::Tensor& whole, const Cut& cut) {
  std::vector<at::Tensor> parts;
  for (const Range& range : cut.ranges) {
    parts.push_back(whole.narrow(cut.dimension, range.begin, range.size()));
  }
  return parts.size() == 1 ? parts.front() : at::cat(parts, cut.dimension);
}

}  // namespace

TensorLoader::TensorLoader(const std::filesystem::path& folder,
                           TensorTable asked, at::ScalarType dtype,
                           at::Device device, Cuts cuts)
    : table_(folder, std::move(asked)),
      dtype_(dtype),
      device_(device),
      cuts_(std::move(cuts)) {
  for (const std::string& file : table_.files()) {
    files_.emplace(file, SafetensorsFile(folder / file));
  }
}

at::Tensor TensorLoader::tensor(const std::string& name) const {
  const CheckpointFiles::Tensor& place = table_.tensors().at(name);
  const SafetensorsFile& file = files_.at(place.file);
  const at::Tensor mapped = file.tensor(place.stored_name);
  const auto cut = cuts_.find(name);
  const at::Tensor own =
      (cut == cuts_.end() ? mapped : cut_out(mapped, cut->second))
          .to(device_, dtype_)
          .contiguous();
  if (!own.is_alias_of(mapped)) file.forget(place.stored_name);
  return own;
}

}  // namespace lens::model
