#include "lens/id_range.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/tensor.h>
#include <c10/util/Exception.h>

#include <stdexcept>
#include <string>

namespace lens::readout {

IdRange::IdRange(const Head& head)
    : ranks_(head.ranks && head.ranks->size() > 1 ? head.ranks : nullptr),
      first_id_(head.first_id),
      vocab_(head.weight.size(0)),
      counts_({vocab_}) {
  if (is_whole()) return;
  const at::Tensor all =
      ranks_->gather(at::tensor({first_id_, head.weight.size(0)}, at::kLong));
  vocab_ = 0;
  counts_.clear();
  for (int rank = 0; rank < ranks_->size(); ++rank) {
    const auto* const range =
        all.select(0, rank).const_data_ptr<std::int64_t>();
    if (range[0] != vocab_ || range[1] < 1) {
      throw std::invalid_argument(
          "cannot read the vocabulary over " + std::to_string(ranks_->size()) +
          " ranks (rank " + std::to_string(rank) + " has " +
          std::to_string(range[1]) + " ids from " + std::to_string(range[0]) +
          " on, those before it end at " + std::to_string(vocab_) +
          "); give each the ids that follow");
    }
    vocab_ += range[1];
    counts_.push_back(range[1]);
  }
}

at::Tensor IdRange::places(const at::Tensor& targets) const {
  if (is_whole()) return targets;
  TORCH_CHECK_INDEX(
      targets.ge(0).logical_and(targets < vocab_).all().item<bool>(),
      "a target is no id of the vocabulary");
  const at::Tensor place = targets - first_id_;
  const std::int64_t count = counts_[ranks_->rank()];
  return place.masked_fill(place.lt(0).logical_or(place >= count), -1);
}

at::Tensor IdRange::rows_to_read(const at::Tensor& places) const {
  return is_whole() ? places : places.clamp_min(0);
}

at::Tensor IdRange::target_logits(const at::Tensor& own,
                                  const at::Tensor& places) const {
  if (is_whole()) return own;
  // Nothing is added to what the owner has: 0 keeps its bits, but for a -0.
  const at::Tensor here = own.view({places.size(0), -1})
                              .masked_fill(places.lt(0).unsqueeze(-1), 0)
                              .flatten();
  return ranks_->ordered_sum(here);
}

at::Tensor IdRange::gather(const at::Tensor& part) const {
  return is_whole() ? part.unsqueeze(0) : ranks_->gather(part);
}

}  // namespace lens::readout
