#include "collective/carrier.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include "collective/rank_order.h"

namespace lens::collective {

at::Tensor Carrier::add_up(const at::Tensor& part, at::ScalarType dtype) {
  const at::Tensor own = part.contiguous();
  if (static_cast<std::int64_t>(own.nbytes()) <= carriage_.whole_bytes) {
    return add_in_rank_order(collect(own, Step::kGather)).to(dtype);
  }
  return add_up_in_slices(own.view(-1), dtype).view(own.sizes());
}

at::Tensor Carrier::add_up_in_slices(const at::Tensor& own,
                                     at::ScalarType dtype) {
  const Slice slice = slice_of(own.numel(), rank(), size());
  const at::Tensor parts = at::empty({size(), slice.count}, own.options());
  parts.select(0, rank()).copy_(own.narrow(0, slice.begin, slice.count));
  std::vector<at::Tensor> to;
  std::vector<at::Tensor> from;
  for (int other = 0; other < size(); ++other) {
    const Slice its = slice_of(own.numel(), other, size());
    to.push_back(own.narrow(0, its.begin, its.count));
    from.push_back(parts.select(0, other));
  }
  exchange(to, from);
  // The last slices may be shorter; what comes after them is not read.
  const at::Tensor mine =
      at::zeros({slice_size(own.numel(), size())}, own.options().dtype(dtype));
  mine.narrow(0, 0, slice.count).copy_(add_in_rank_order(parts));
  return collect(mine, Step::kShare).view(-1).narrow(0, 0, own.numel());
}

void throw_broken(const std::string& why) {
  throw CollectiveError(
      "the ranks cannot go on together (an earlier call failed: " + why +
      "); start all of them again");
}

}  // namespace lens::collective
