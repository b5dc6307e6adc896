#include <stdexcept>

#include "model/cuda/fused.h"

// Built without kernels: the plain operations run on every device.
namespace lens::model::cuda {
namespace {

[[noreturn]] void none() {
  throw std::logic_error("this program has no CUDA kernels");
}

}  // namespace

bool fuses(const at::Tensor&) { return false; }
void* current_stream(at::Device) { none(); }
at::Tensor rms_norm(const at::Tensor&, const at::Tensor&, double) { none(); }
at::Tensor rotate(const at::Tensor&, const at::Tensor&, const at::Tensor&) {
  none();
}
void rotate_into(const at::Tensor&, const at::Tensor&, const at::Tensor&,
                 const at::Tensor&, const at::Tensor&) {
  none();
}
void scatter_into(const at::Tensor&, const at::Tensor&, const at::Tensor&) {
  none();
}
at::Tensor swiglu(const at::Tensor&, const at::Tensor&) { none(); }
at::Tensor quick_gelu(const at::Tensor&) { none(); }
bool PackedAttention::takes(const at::TensorOptions&, std::int64_t) {
  return false;
}
at::Tensor PackedAttention::attend(const at::Tensor&, const at::Tensor&,
                                   const at::Tensor&) const {
  none();
}

}  // namespace lens::model::cuda
