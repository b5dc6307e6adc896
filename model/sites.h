#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

#include "model/batch.h"

namespace lens::model {

// A named point of a decoder pass over packed tokens. N is the number of
// layers.
struct Site {
  enum class Kind {
    // [tokens, hidden_size], layers 0 .. N: the stream as it enters a layer; 0
    // are the embeddings with the images' features, N is what leaves the last.
    kResidual,
    // [tokens, hidden_size], layer N alone: after the final norm.
    kHeadInput,
    // [tokens, hidden_size], layers 0 .. N-1: what attention adds.
    kAttentionOutput,
    // [heads, queries, keys] float32, layers 0 .. N-1: what each token takes
    // from each of its sequence, of a few queries of one sequence at a time.
    // Where it is wanted a layer computes it beside the fast attention.
    kAttentionWeights,
    // [segments, heads, longest sequence] float32, layers 0 .. N-1: what the
    // last token of each segment takes from each token of its sequence, zeros
    // behind that. Its rows are those last tokens. For who only looks: nothing
    // is made of another tensor in its place.
    kLastAttention,
    // [tokens, mlp_size], layers 0 .. N-1: the units that the MLP's last matrix
    // reads.
    kMlpHidden,
    // [tokens, hidden_size], layers 0 .. N-1: what the MLP adds.
    kMlpOutput,
  };
  static constexpr int kKinds = 7;

  Kind kind = Kind::kResidual;
  int layer = 0;

  bool operator==(const Site&) const = default;
};

// Sees what passes the sites that it wants, and may put something else there.
class Observer {
 public:
  virtual ~Observer() = default;

  // Asked once for each site of a pass, before it begins.
  virtual bool wants(Site site) const = 0;

  // Called in the order in which data flows.
  //
  //   rows   the tokens (or queries) of `value`, in their order; valid during
  //          the call
  //   value  weights' dtype and device, unless its kind says another; valid
  //          during the call, and never written to. Another tensor of its
  //          shape, dtype and device in its place is what the pass goes on
  //          with: that it is another one is how a change is told, so that one
  //          that only looks changes no bit. What changes the rows of one
  //          sequence alone leaves every bit of the others.
  virtual void visit(Site site, const Rows& rows, at::Tensor& value) = 0;
};

// The observers of one pass, and who of them wants what. Without any it costs
// nothing but to ask.
class Visits {
 public:
  // `observers` visit in their order: each sees what those before it have put.
  //   batch  of the pass, which it must outlive
  Visits(std::span<Observer* const> observers, int num_layers,
         const Batch& batch);

  bool wanted(Site site) const {
    return !takers_.empty() && !takers_[place(site)].empty();
  }

  // A value of all tokens of the pass. Throws std::logic_error for a
  // replacement of another shape, dtype or device.
  void visit(Site site, at::Tensor& value) const {
    if (wanted(site)) call(site, {batch_.ids, batch_.segments}, value);
  }

  // A value of the tokens of `part` alone, the first of which is row `begin` of
  // the pass.
  void visit(Site site, at::Tensor& value, const Segment& part,
             std::int64_t begin) const;

  // A value of the last token of each segment.
  void visit_last(Site site, at::Tensor& value) const;

 private:
  std::size_t place(Site site) const {
    return static_cast<std::size_t>(site.layer) * Site::kKinds +
           static_cast<std::size_t>(site.kind);
  }
  void call(Site site, const Rows& rows, at::Tensor& value) const;

  const Batch& batch_;
  std::vector<std::vector<Observer*>> takers_;  // by place(); empty: nobody
};

}  // namespace lens::model
