#include "lens/cpu/backend.h"

namespace lens::readout {

// Built without kernels: the reference runs on every device.
std::unique_ptr<Backend> fastest_backend(Head head, int top_k) {
  if (!head.weight.is_cpu()) return reference_backend(std::move(head), top_k);
  return cpu::best_backend(std::move(head), top_k);
}

}  // namespace lens::readout
