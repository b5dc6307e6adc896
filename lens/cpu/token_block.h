#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "lens/cpu/kernel.h"
#include "lens/cpu/packed_rows.h"
#include "lens/cpu/weight_panels.h"
#include "lens/readout.h"
#include "lens/row_sums.h"

namespace lens::readout::cpu {

// The vocabulary is read in so many parts, each from maxima and sums of its
// own; they are put together in order. Work is divided among threads by parts,
// so that any number of threads gives equal bits.
inline constexpr int kParts = 16;

// What is constant of a head.
struct HeadView {
  const Kernel& kernel;
  const WeightPanels& panels;
  const std::uint8_t* script_class;  // [vocab] each < scripts
  int scripts;                       // <= kMaxScripts
  int top_k;                         // <= vocab
};

// Some tokens on their way through the head.
class TokenBlock {
 public:
  // rows     [T * states, hidden_size] head_rows(), of the kernel's type
  // targets  [T] int64
  TokenBlock(const HeadView& head, const at::Tensor& rows, std::int64_t states,
             const at::Tensor& targets);

  // Memory of a thread between its calls of sweep().
  class Scratch;

  // Reads one part of the vocabulary; parts in any order, at once on threads
  // with a scratch each.
  void sweep(int part, Scratch* scratch);

  // After all parts. Writes the tokens into the readout, whose tensors are
  // there, from token `first` on.
  void finish(std::int64_t first, Readout* readout);

 private:
  struct RowState {
    RowSums<double> sums;
    std::int64_t larger = 0;  // ids with a larger logit than the target's
  };
  // The best so far, best first, the lower id first where they tie.
  struct Candidate {
    float logit = kNoLogit;
    std::int32_t id = -1;
  };
  // Of one part of the vocabulary, each by slot.
  struct Part {
    std::vector<RowState> rows;
    std::vector<double> script;   // [slots, scripts] sum of e^(z - max)
    std::vector<Candidate> best;  // [slots, top_k]
  };
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
  void merge(Part* into, const Part& other) const;

  // constant after construction
  const HeadView head_;
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
