#include "model/checkpoint/tensor_loader.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>

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

Reading choose(const Ranks& ranks, const CheckpointFiles& table,
               const std::filesystem::path& folder, at::Device device) {
  if (ranks.share().size == 1) return Reading::kEach;
  if (ranks.reading) return *ranks.reading;
  return measured_reading(folder / table.files().front(), device, *ranks.all);
}

}  // namespace

TensorLoader::TensorLoader(const std::filesystem::path& folder,
                           TensorTable asked, at::ScalarType dtype,
                           at::Device device, Cuts cuts, const Ranks& ranks)
    : table_(folder, std::move(asked)),
      dtype_(dtype),
      device_(device),
      cuts_(std::move(cuts)),
      ranks_(ranks.all),
      reading_(choose(ranks, table_, folder, device)) {
  for (const std::string& file : table_.files()) {
    files_.emplace(file, SafetensorsFile(folder / file));
  }
}

at::Tensor TensorLoader::tensor(const std::string& name) const {
  const CheckpointFiles::Tensor& place = table_.tensors().at(name);
  const SafetensorsFile& file = files_.at(place.file);
  const at::Tensor whole = reading_ == Reading::kOnce
                               ? handed_on(place)
                               : file.tensor(place.stored_name);
  const auto cut = cuts_.find(name);
  at::Tensor own = (cut == cuts_.end() ? whole : cut_out(whole, cut->second))
                       .to(device_, dtype_)
                       .contiguous();
  if (reading_ == Reading::kOnce) {
    // Not what was handed on, of which it may be a small part.
    if (own.is_alias_of(whole)) own = own.clone();
    if (ranks_->rank() == 0) file.forget(place.stored_name);
  } else if (!own.is_alias_of(whole)) {
    file.forget(place.stored_name);
  }
  return own;
}

// The whole tensor on the device, read by rank 0.
at::Tensor TensorLoader::handed_on(const CheckpointFiles::Tensor& place) const {
  // Cheap where this rank does not look at the values.
  const at::Tensor mapped = files_.at(place.file).tensor(place.stored_name);
  const at::Tensor whole =
      ranks_->rank() == 0
          ? mapped.to(device_)
          : at::empty(mapped.sizes(), mapped.options().device(device_));
  ranks_->broadcast(whole);
  return whole;
}

}  // namespace lens::model
