#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "lens/cpu/kernel.h"
#include "lens/cpu/packed_rows.h"
#include "lens/cpu/part.h"
#include "lens/cpu/weight_panels.h"
#include "lens/readout.h"

namespace lens::readout::cpu {

// The vocabulary is read in so many parts, each from maxima and sums of its
// own; they are put together in order. Work is divided among threads by parts,
// so that any number of threads gives equal bits.
inline constexpr int kParts = 16;

// What is constant of a head.
struct HeadView {
  const Kernel& kernel;
  const WeightPanels& panels;
  const std::uint8_t* script_class;  // [ids] each < scripts
  int scripts;                       // <= kMaxScripts
  int top_k;                         // <= ids of all ranks
  std::int32_t first_id;             // of the first panel
};

// Some tokens on their way through the head.
class TokenBlock {
 public:
  // rows     [T * states, hidden_size] head_rows(), of the kernel's type
  // targets  [T] int64  rows of the head
  // first    token of all that are read
  TokenBlock(const HeadView& head, const at::Tensor& rows, std::int64_t states,
             const at::Tensor& targets, std::int64_t first);

  // Memory of a thread between its calls of sweep().
  class Scratch;

  // Reads one part of the vocabulary; parts in any order, at once on threads
  // with a scratch each.
  void sweep(int part, Scratch* scratch);

  // After all parts: puts them together in their order.
  void join();

  // After join(). Writes the tokens into the readout, whose tensors are there.
  void finish(Readout* readout) const;

  // What goes to other ranks and comes from them, for the rows of all tokens
  // from `token` on: logits of targets before the sweep, [rows] float32, and
  // what join() has made, [rows, Part::values_of_slot()] float64.
  void give_target_logits(std::int64_t token, const at::Tensor& to) const;
  void take_target_logits(std::int64_t token, const at::Tensor& from);
  void give_sums(std::int64_t token, const at::Tensor& to) const;
  // from: [ranks, rows, values]
  void take_sums(std::int64_t token, const at::Tensor& from);

 private:
  struct LaneRun {
    int first;
    std::int64_t token;
  };

  void find_target_logits(const at::Tensor& targets);
  void read_final_states(const WeightPanels::Panel& panel, const Part& part,
                         Scratch* scratch) const;
  void reduce_group(std::int64_t group, const WeightPanels::Panel& panel,
                    Part* part, Scratch* scratch) const;
  int lanes_used(std::int64_t group) const;
  // Row of a slot where rows begin with those of a token.
  std::int64_t row_of(std::size_t slot, std::int64_t token) const {
    return (first_ - token) * states_ + order_[slot];
  }

  // constant after construction
  const HeadView head_;
  const std::int64_t first_;
  const std::int64_t tokens_;
  const std::int64_t states_;
  // Slots are the order in which rows stand in groups: the last states of all
  // tokens first, since what they give is needed beside all other rows.
  const std::vector<std::int64_t> order_;  // [slots] row of a slot
  const PackedRows rows_;
  const std::int64_t final_groups_;
  std::vector<float> target_logit_;              // [groups * lanes]
  std::vector<std::vector<LaneRun>> tokens_of_;  // [groups] lanes by token

  std::vector<Part> parts_;
};

class TokenBlock::Scratch {
 public:
  Scratch(const HeadView& head, std::int64_t most_final_groups);

 private:
  friend class TokenBlock;

  float* tile_of(std::int64_t final_group) {
    return final_tiles_.mutable_data_ptr<float>() + final_group * tile_size_;
  }
  float* masses_of(std::int64_t final_group) {
    return final_masses_.mutable_data_ptr<float>() + final_group * tile_size_;
  }

  const std::int64_t tile_size_;
  at::Tensor weights_;
  at::Tensor final_tiles_;   // [final groups, ids, lanes]
  at::Tensor final_masses_;  // the same
  at::Tensor tile_;          // [ids, lanes]
  at::Tensor masses_;        // [ids, lanes]
  at::Tensor script_;        // [scripts, lanes]
  // Of the last states, [T]: the largest logit up to the panel that is being
  // read, and the mass of that panel.
  std::vector<float> final_max_;
  std::vector<float> final_mass_;
  std::vector<Segment> segments_;
};

}  // namespace lens::readout::cpu
