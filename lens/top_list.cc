#include "lens/top_list.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/sort.h>
#include <ATen/ops/topk.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <vector>

namespace lens::readout {
namespace {

// Of candidates whose ids ascend where their logits tie: a stable sort leaves
// the lower id first.
TopList best_of(const at::Tensor& value, const at::Tensor& id, std::int64_t k) {
  const auto [sorted, order] =
      at::sort(value, /*stable=*/true, /*dim=*/-1, /*descending=*/true);
  const std::int64_t kept = std::min(k, value.size(-1));
  return {sorted.narrow(-1, 0, kept), id.gather(-1, order).narrow(-1, 0, kept)};
}

}  // namespace

void TopList::take(const at::Tensor& logits, std::int64_t first,
                   std::int64_t k) {
  const std::int64_t count = std::min(k, logits.size(1));
  // topk() orders equal values as it likes.
  const at::Tensor found = std::get<1>(at::topk(logits, count, -1));
  const at::Tensor index = std::get<0>(at::sort(found, -1));
  at::Tensor values = logits.gather(-1, index);
  at::Tensor ids = index + first;
  if (value.defined()) {
    values = at::cat({value, values}, -1);
    ids = at::cat({id, ids}, -1);
  }
  *this = best_of(values, ids, k);
}

TopList TopList::over_ranks(const IdRange& ids, std::int64_t k) const {
  if (ids.is_whole()) return *this;
  // A rank with fewer ids has a shorter list; all send as much. float64 holds
  // both without loss.
  const at::Tensor padding = at::zeros({value.size(0), k - value.size(1)},
                                       value.options().dtype(at::kDouble));
  const at::Tensor all = ids.gather(at::cat(
      {value.to(at::kDouble), padding, id.to(at::kDouble), padding}, -1));
  std::vector<at::Tensor> values;
  std::vector<at::Tensor> its_ids;
  for (int rank = 0; rank < ids.ranks(); ++rank) {
    const at::Tensor list = all.select(0, rank);
    const std::int64_t length = std::min(k, ids.count_of(rank));
    values.push_back(list.narrow(-1, 0, length));
    its_ids.push_back(list.narrow(-1, k, length));
  }
  return best_of(at::cat(values, -1).to(at::kFloat),
                 at::cat(its_ids, -1).to(at::kLong), k);
}

}  // namespace lens::readout
