#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <unordered_set>
#include <vector>

#include "model/model.h"

namespace lens::engine {

using SeenIds = std::unordered_set<std::int64_t>;

// One chosen token a row, and what the model said of it.
struct ChosenTokens {
  std::vector<std::int64_t> ids;
  // Of the plain logits, whatever the penalty. A row whose logits are not all
  // numbers (or -infinity) has none either.
  std::vector<float> logsumexp;
  std::vector<float> logit;  // the plain logit of the chosen token
};

// Greedy choice: the largest logit, the lowest id where they tie.
class TokenChoice {
 public:
  //   head                the model's; its norm is not used. Ranks that share
  //   it
  //                       choose together, and all are given the same.
  //   repetition_penalty  1: none; as RepetitionPenaltyLogitsProcessor of
  //                       transformers, over prompt and answer
  TokenChoice(model::Head head, double repetition_penalty);

  bool penalises() const { return penalty_ != 1.0; }

  //   hidden  [rows, hidden_size], as the head reads it
  //   seen    of each row the ids that have occurred; without a penalty it is
  //           not looked at and may be empty
  ChosenTokens choose(const at::Tensor& hidden,
                      std::span<const SeenIds* const> seen) const;

 private:
  // Those of each row that may be the largest, and their plain logits.
  struct Candidates {
    at::Tensor ids;     // [rows, count] int64
    at::Tensor logits;  // [rows, count] float32
  };

  at::Tensor penalised(const at::Tensor& logits,
                       std::span<const SeenIds* const> seen) const;
  Candidates find_candidates(const at::Tensor& hidden, const at::Tensor& logits,
                             const at::Tensor& judged) const;
  Candidates of_all_ranks(const Candidates& own) const;
  at::Tensor logsumexp(const at::Tensor& logits) const;

  // constant after construction
  const model::Head head_;
  const double penalty_;
};

}  // namespace lens::engine
