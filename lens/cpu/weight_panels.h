#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/ScalarType.h>

#include <cstdint>

#include "lens/cpu/kernel.h"

namespace lens::readout::cpu {

// What rows and weights have to be for the kernel.
at::ScalarType value_type(const Kernel& kernel);

// The head's weights, a panel of neighbouring ids at a time, as a kernel reads
// them: as they lie in the checkpoint where that is what it reads, else made
// float32 just before they are used. No second copy of the head is kept.
class WeightPanels {
 public:
  struct Panel {
    std::int64_t begin = 0;  // the first id
    int ids = 0;             // at most ids_per_panel()
    int multiplied = 0;      // ids, and zeros up to what the kernel multiplies
    const void* weights = nullptr;
    std::int64_t stride = 0;  // elements
  };

  // weight  [vocab, hidden_size] contiguous, of any floating type
  WeightPanels(at::Tensor weight, const Kernel& kernel);

  std::int64_t count() const { return count_; }
  int ids_per_panel() const { return ids_per_panel_; }

  // Bytes for read().
  std::int64_t scratch_bytes() const;
  // The panel, some of it in `scratch` where it has to be another type or
  // length; holds until the next use of that.
  Panel read(std::int64_t index, void* scratch) const;

  // Rows of the given ids (int64) as one panel: a tensor of whole steps of ids.
  at::Tensor gather(const at::Tensor& ids) const;

 private:
  // constant after construction
  const at::Tensor weight_;
  const Kernel& kernel_;
  const bool converts_;
  int ids_per_panel_;
  std::int64_t count_;
};

}  // namespace lens::readout::cpu
