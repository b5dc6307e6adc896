#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "lens/row_sums.h"

namespace lens::readout::cpu {

struct RowState {
  RowSums<double> sums;
  std::int64_t larger = 0;  // ids with a larger logit than the target's
};

// The best so far, best first, the lower id first where they tie.
struct Candidate {
  float logit = kNoLogit;
  std::int32_t id = -1;
};

// Ids come in order: the one that is there stays before where logits tie.
inline void offer(Candidate candidate, Candidate* best, int count) {
  int place = count - 1;
  if (!(candidate.logit > best[place].logit)) return;
  for (; place > 0 && best[place - 1].logit < candidate.logit; --place) {
    best[place] = best[place - 1];
  }
  best[place] = candidate;
}

// What some ids of the vocabulary give for rows, each in a slot.
struct Part {
  std::vector<RowState> rows;
  std::vector<double> script;   // [slots, scripts] sum of e^(z - max)
  std::vector<Candidate> best;  // [slots, top_k]

  void resize(std::size_t slots, int scripts, int top_k);

  // Takes in what the ids after its own give for the same rows.
  void merge(const Part& other);

  // A slot on its way to another process: so many values, which float64 holds
  // without loss.
  static std::int64_t values_of_slot(int scripts, int top_k);
  void write(std::size_t slot, double* to) const;
  void read(std::size_t slot, const double* from);
};

}  // namespace lens::readout::cpu
