#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <unordered_set>
#include <vector>

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
  //   head                [vocab, hidden_size], the model's dtype and device
  //   repetition_penalty  1: none; as RepetitionPenaltyLogitsProcessor of
  //                       transformers, over prompt and answer
  TokenChoice(at::Tensor head, double repetition_penalty);

  bool penalises() const { return penalty_ != 1.0; }

  //   hidden  [rows, hidden_size], as the head reads it
  //   seen    of each row the ids that have occurred; without a penalty it is
  //           not looked at and may be empty
  ChosenTokens choose(const at::Tensor& hidden,
                      std::span<const SeenIds* const> seen) const;

 private:
  at::Tensor penalised(const at::Tensor& logits,
                       std::span<const SeenIds* const> seen) const;
  void choose_refined(const at::Tensor& hidden, const at::Tensor& judged,
                      std::span<const SeenIds* const> seen,
                      ChosenTokens* chosen) const;

  // constant after construction
  const at::Tensor head_;
  const double penalty_;
};

}  // namespace lens::engine
