#include "engine/token_choice.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/argmax.h>
#include <ATen/ops/bmm.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/logsumexp.h>
#include <ATen/ops/topk.h>
#include <ATen/ops/where.h>

#include <algorithm>
#include <utility>

#include "model/index_tensor.h"

namespace lens::engine {
namespace {

// Candidates whose bfloat16 logits are computed again. Of 151,936 random logits
// the bfloat16 values that tie with the largest were never more than 9.
constexpr std::int64_t kRefined = 32;

// What RepetitionPenaltyLogitsProcessor of transformers makes of the scores of
// tokens that have occurred, by the same operations.
at::Tensor penalise(const at::Tensor& score, double penalty) {
  return at::where(score < 0, score * penalty, score / penalty);
}

float penalise(float score, float penalty) {
  return score < 0 ? score * penalty : score / penalty;
}

std::vector<float> to_floats(const at::Tensor& tensor) {
  const at::Tensor host = tensor.to(at::kCPU, at::kFloat).contiguous();
  const float* data = host.const_data_ptr<float>();
  return {data, data + host.numel()};
}

std::vector<std::int64_t> to_integers(const at::Tensor& tensor) {
  const at::Tensor host = tensor.to(at::kCPU, at::kLong).contiguous();
  const std::int64_t* data = host.const_data_ptr<std::int64_t>();
  return {data, data + host.numel()};
}

}  // namespace

TokenChoice::TokenChoice(at::Tensor head, double repetition_penalty)
    : head_(std::move(head)), penalty_(repetition_penalty) {}

ChosenTokens TokenChoice::choose(const at::Tensor& hidden,
                                 std::span<const SeenIds* const> seen) const {
  // The product in the model's dtype, widened after, as transformers'
  // generate() does: in bfloat16 logsumexp is that of rounded logits.
  const at::Tensor logits = at::linear(hidden, head_).to(at::kFloat);
  ChosenTokens chosen;
  chosen.logsumexp = to_floats(at::logsumexp(logits, {-1}));
  const at::Tensor judged = penalises() ? penalised(logits, seen) : logits;
  // In float32 a tie is a tie: there is nothing to refine.
  if (hidden.scalar_type() != at::kFloat) {
    choose_refined(hidden, judged, seen, &chosen);
    return chosen;
  }
  // argmax gives the first of equal values on all devices.
  const at::Tensor best = at::argmax(judged, -1);
  chosen.ids = to_integers(best);
  chosen.logit = to_floats(logits.gather(-1, best.unsqueeze(-1)).squeeze(-1));
  return chosen;
}

at::Tensor TokenChoice::penalised(const at::Tensor& logits,
                                  std::span<const SeenIds* const> seen) const {
  // A copy: the logit that is reported of the chosen token is the plain one.
  at::Tensor judged = logits.clone();
  for (std::size_t i = 0; i < seen.size(); ++i) {
    // A set: an id is penalised once, however often it has occurred.
    const std::vector<std::int64_t> ids(seen[i]->begin(), seen[i]->end());
    const at::Tensor index = model::index_tensor(ids, judged.device());
    at::Tensor row = judged.select(0, static_cast<std::int64_t>(i));
    row.index_copy_(0, index, penalise(row.index_select(0, index), penalty_));
  }
  return judged;
}

// A bfloat16 logit has 8 bits: of 200 candidates near 20 many are one and the
// same value, and the lowest id among them would be no choice of the model's.
// The products of the leading ones are therefore added up again in float32, as
// the weights and the state are exact in it. What is compared is the penalty of
// the exact logit: a correction that is added to the penalised one would be too
// large by (1 - 1 / penalty) of itself, and flip near ties.
void TokenChoice::choose_refined(const at::Tensor& hidden,
                                 const at::Tensor& judged,
                                 std::span<const SeenIds* const> seen,
                                 ChosenTokens* chosen) const {
  const std::int64_t count = std::min(kRefined, judged.size(-1));
  // By the judged logits: what the penalty lifts or lowers decides who is one.
  const at::Tensor candidates = std::get<1>(at::topk(judged, count, -1));
  // [sequences, count, hidden_size]: a few rows of the head in float32, where
  // all of it would be gigabytes.
  const at::Tensor rows = at::index_select(head_, 0, candidates.flatten())
                              .to(at::kFloat)
                              .view({hidden.size(0), count, hidden.size(1)});
  const at::Tensor exact =
      at::bmm(rows, hidden.to(at::kFloat).unsqueeze(-1)).squeeze(-1);
  const std::vector<float> raw = to_floats(exact);
  const std::vector<std::int64_t> id = to_integers(candidates);
  const auto by = static_cast<float>(penalty_);
  for (std::int64_t row = 0; row < hidden.size(0); ++row) {
    const std::int64_t first = row * count;
    const auto value = [&](std::int64_t i) {
      return penalises() && seen[static_cast<std::size_t>(row)]->contains(id[i])
                 ? penalise(raw[i], by)
                 : raw[i];
    };
    std::int64_t best = first;
    // Candidates come by their rounded value: among equals the id decides.
    for (std::int64_t i = first + 1; i < first + count; ++i) {
      if (value(i) > value(best) ||
          (value(i) == value(best) && id[i] < id[best])) {
        best = i;
      }
    }
    chosen->ids.push_back(id[best]);
    chosen->logit.push_back(raw[best]);
  }
}

}  // namespace lens::engine
