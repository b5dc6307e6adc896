#include "lens/cpu/packed_rows.h"

#include <ATen/Parallel.h>
#include <ATen/ops/zeros.h>
#include <c10/util/BFloat16.h>

#include <algorithm>

namespace lens::readout::cpu {
namespace {

// Columns go in pairs of the lanes' rows: column k of a row is the first or the
// second of pair k / 2.
template <typename Value, int columns>
void pack(const Value* rows, const std::int64_t* order, std::int64_t count,
          std::int64_t hidden_size, int lanes, Value* to) {
  for (std::int64_t lane = 0; lane < count; ++lane) {
    const Value* const row = rows + order[lane] * hidden_size;
    for (std::int64_t k = 0; k < hidden_size; k += columns) {
      for (int c = 0; c < columns; ++c) {
        to[k * lanes + lane * columns + c] = row[k + c];
      }
    }
  }
}

}  // namespace

PackedRows::PackedRows(const at::Tensor& rows,
                       const std::vector<std::int64_t>& order,
                       const Kernel& kernel)
    : groups_((static_cast<std::int64_t>(order.size()) + kernel.lanes - 1) /
              kernel.lanes) {
  const std::int64_t hidden_size = rows.size(1);
  const int lanes = kernel.lanes;
  packed_ = at::zeros({groups_, hidden_size * lanes}, rows.options());
  group_bytes_ = hidden_size * lanes * rows.element_size();
  const auto pack_all = [&]<typename Value, int columns>() {
    const Value* const from = rows.const_data_ptr<Value>();
    Value* const to = packed_.mutable_data_ptr<Value>();
    at::parallel_for(0, groups_, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t group = begin; group < end; ++group) {
        const std::int64_t first = group * lanes;
        const std::int64_t count = std::min<std::int64_t>(
            lanes, static_cast<std::int64_t>(order.size()) - first);
        pack<Value, columns>(from, order.data() + first, count, hidden_size,
                             lanes, to + group * hidden_size * lanes);
      }
    });
  };
  if (kernel.bfloat16) {
    pack_all.operator()<c10::BFloat16, 2>();
  } else {
    pack_all.operator()<float, 1>();
  }
}

const void* PackedRows::group(std::int64_t index) const {
  return static_cast<const char*>(packed_.const_data_ptr()) +
         index * group_bytes_;
}

}  // namespace lens::readout::cpu
