#include "lens/cpu/weight_panels.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/zeros.h>
#include <c10/util/BFloat16.h>
#include <c10/util/Exception.h>
#include <c10/util/Half.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace lens::readout::cpu {
namespace {

// Of weights between two groups of rows: they stay in the second cache beside
// the rows.
constexpr std::int64_t kPanelBytes = 192 << 10;

std::int64_t value_bytes(const Kernel& kernel) {
  return static_cast<std::int64_t>(c10::elementSize(value_type(kernel)));
}

std::int64_t round_up(std::int64_t ids, int step) {
  return (ids + step - 1) / step * step;
}

template <typename Value>
void widen(const at::Tensor& weight, std::int64_t from, std::int64_t count,
           float* to) {
  const Value* const values = weight.const_data_ptr<Value>() + from;
  std::copy_n(values, count, to);
}

}  // namespace

at::ScalarType value_type(const Kernel& kernel) {
  return kernel.bfloat16 ? at::kBFloat16 : at::kFloat;
}

WeightPanels::WeightPanels(at::Tensor weight, const Kernel& kernel)
    : weight_(std::move(weight)),
      kernel_(kernel),
      converts_(weight_.scalar_type() != value_type(kernel)) {
  // Invariant: only float32 can be made of another type without loss.
  TORCH_INTERNAL_ASSERT(!converts_ || !kernel.bfloat16);
  const std::int64_t row_bytes = weight_.size(1) * value_bytes(kernel);
  const int step = kernel.id_step;
  ids_per_panel_ = static_cast<int>(std::clamp<std::int64_t>(
                       kPanelBytes / row_bytes, step, kMaxIds)) /
                   step * step;
  count_ = (weight_.size(0) + ids_per_panel_ - 1) / ids_per_panel_;
}

std::int64_t WeightPanels::scratch_bytes() const {
  return ids_per_panel_ * weight_.size(1) *
         static_cast<std::int64_t>(sizeof(float));
}

WeightPanels::Panel WeightPanels::read(std::int64_t index,
                                       void* scratch) const {
  const std::int64_t hidden_size = weight_.size(1);
  Panel panel;
  panel.begin = index * ids_per_panel_;
  panel.ids = static_cast<int>(
      std::min<std::int64_t>(ids_per_panel_, weight_.size(0) - panel.begin));
  panel.multiplied = static_cast<int>(round_up(panel.ids, kernel_.id_step));
  panel.stride = hidden_size;
  const std::int64_t from = panel.begin * hidden_size;
  const std::int64_t count = panel.ids * hidden_size;
  const std::int64_t size = value_bytes(kernel_);
  if (converts_) {
    auto* const to = static_cast<float*>(scratch);
    if (weight_.scalar_type() == at::kBFloat16) {
      widen<c10::BFloat16>(weight_, from, count, to);
    } else {
      widen<c10::Half>(weight_, from, count, to);
    }
  } else {
    const char* const values =
        static_cast<const char*>(weight_.const_data_ptr()) + from * size;
    if (panel.multiplied == panel.ids) {
      panel.weights = values;
      return panel;
    }
    std::memcpy(scratch, values, count * size);
  }
  std::memset(static_cast<char*>(scratch) + count * size, 0,
              (panel.multiplied - panel.ids) * hidden_size * size);
  panel.weights = scratch;
  return panel;
}

at::Tensor WeightPanels::gather(const at::Tensor& ids) const {
  const at::Tensor picked =
      at::index_select(weight_, 0, ids).to(value_type(kernel_));
  const std::int64_t count = picked.size(0);
  const std::int64_t padded = round_up(count, kernel_.id_step);
  if (padded == count) return picked.contiguous();
  return at::cat(
      {picked, at::zeros({padded - count, picked.size(1)}, picked.options())});
}

}  // namespace lens::readout::cpu
