#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "collective/collective.h"
#include "lens/readout.h"

namespace lens::readout {

// The ids of the vocabulary that a head has, among those of all ranks. What is
// said between ranks is said from the thread that calls.
class IdRange {
 public:
  // All ranks make theirs together. Throws std::invalid_argument, on all of
  // them, where a rank has no ids or ranges do not follow one another.
  explicit IdRange(const Head& head);

  // No other rank has ids.
  bool is_whole() const { return ranks_ == nullptr; }

  std::int64_t first_id() const { return first_id_; }
  std::int64_t vocab() const { return vocab_; }  // of all ranks
  int ranks() const { return static_cast<int>(counts_.size()); }
  // How many ids the rank has.
  std::int64_t count_of(int rank) const { return counts_[rank]; }

  // Where in the head the rows of these ids stand, -1 where another rank has
  // them; [T] int64 as `targets`. Throws c10::IndexError where no rank has one.
  at::Tensor places(const at::Tensor& targets) const;

  // Rows of the head to multiply for them: those of place -1 are any.
  at::Tensor rows_to_read(const at::Tensor& places) const;

  // The logits of targets over all ranks: what the rank that has the id made of
  // it, the same bits on all ranks.
  //   own      [T * states] float32, of any value where places() are -1
  //   places   [T]
  //   returns  [T * states]
  at::Tensor target_logits(const at::Tensor& own,
                           const at::Tensor& places) const;

  // [ranks, ...]
  at::Tensor gather(const at::Tensor& part) const;

 private:
  std::shared_ptr<collective::Collective> ranks_;  // nullptr where it is whole
  std::int64_t first_id_;
  std::int64_t vocab_;
  std::vector<std::int64_t> counts_;
};

}  // namespace lens::readout
