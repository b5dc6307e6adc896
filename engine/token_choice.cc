#include "engine/token_choice.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/argmax.h>
#include <ATen/ops/bmm.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/logsumexp.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/topk.h>
#include <ATen/ops/where.h>

#include <algorithm>
#include <limits>
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

TokenChoice::TokenChoice(model::Head head, double repetition_penalty)
    : head_(std::move(head)), penalty_(repetition_penalty) {}

ChosenTokens TokenChoice::choose(const at::Tensor& hidden,
                                 std::span<const SeenIds* const> seen) const {
  // The product in the model's dtype, widened after, as transformers'
  // generate() does: in bfloat16 logsumexp is that of rounded logits.
  const at::Tensor logits = at::linear(hidden, head_.weight).to(at::kFloat);
  ChosenTokens chosen;
  chosen.logsumexp = to_floats(logsumexp(logits));
  const Candidates candidates = of_all_ranks(find_candidates(
      hidden, logits, penalises() ? penalised(logits, seen) : logits));
  const std::int64_t count = candidates.ids.size(-1);
  const std::vector<float> logit = to_floats(candidates.logits);
  const std::vector<std::int64_t> id = to_integers(candidates.ids);
  const auto by = static_cast<float>(penalty_);
  for (std::int64_t row = 0; row < hidden.size(0); ++row) {
    const std::int64_t first = row * count;
    // The penalty of the exact logit: a correction that is added to the
    // penalised one would be too large by (1 - 1 / penalty) of itself, and flip
    // near ties.
    const auto value = [&](std::int64_t i) {
      return penalises() && seen[static_cast<std::size_t>(row)]->contains(id[i])
                 ? penalise(logit[i], by)
                 : logit[i];
    };
    std::int64_t best = first;
    // Candidates come by their rounded value: among equals the id decides.
    for (std::int64_t i = first + 1; i < first + count; ++i) {
      if (value(i) > value(best) ||
          (value(i) == value(best) && id[i] < id[best])) {
        best = i;
      }
    }
    chosen.ids.push_back(id[best]);
    chosen.logit.push_back(logit[best]);
  }
  return chosen;
}

at::Tensor TokenChoice::penalised(const at::Tensor& logits,
                                  std::span<const SeenIds* const> seen) const {
  // A copy: the logit that is reported of the chosen token is the plain one.
  at::Tensor judged = logits.clone();
  for (std::size_t i = 0; i < seen.size(); ++i) {
    std::vector<std::int64_t> places;
    // A set: an id is penalised once, however often it has occurred.
    for (const std::int64_t id : *seen[i]) {
      const std::int64_t place = id - head_.first_id;
      if (place >= 0 && place < judged.size(-1)) places.push_back(place);
    }
    const at::Tensor index = model::index_tensor(places, judged.device());
    at::Tensor row = judged.select(0, static_cast<std::int64_t>(i));
    row.index_copy_(0, index, penalise(row.index_select(0, index), penalty_));
  }
  return judged;
}

// Of the ids that this rank has.
//
// A bfloat16 logit has 8 bits: of 200 candidates near 20 many are one and the
// same value, and the lowest id among them would be no choice of the model's.
// The products of the leading ones are therefore added up again in float32, as
// the weights and the state are exact in it.
//   judged  the logits after the penalty: what it lifts or lowers decides who
//           is a candidate
TokenChoice::Candidates TokenChoice::find_candidates(
    const at::Tensor& hidden, const at::Tensor& logits,
    const at::Tensor& judged) const {
  if (hidden.scalar_type() == at::kFloat) {
    // A tie is a tie: there is nothing to refine. argmax gives the first of
    // equal values on all devices.
    const at::Tensor best = at::argmax(judged, -1, /*keepdim=*/true);
    return {best + head_.first_id, logits.gather(-1, best)};
  }
  const std::int64_t count = std::min(kRefined, judged.size(-1));
  const at::Tensor places = std::get<1>(at::topk(judged, count, -1));
  // [sequences, count, hidden_size]: a few rows of the head in float32, where
  // all of it would be gigabytes.
  const at::Tensor rows = at::index_select(head_.weight, 0, places.flatten())
                              .to(at::kFloat)
                              .view({hidden.size(0), count, hidden.size(1)});
  return {places + head_.first_id,
          at::bmm(rows, hidden.to(at::kFloat).unsqueeze(-1)).squeeze(-1)};
}

TokenChoice::Candidates TokenChoice::of_all_ranks(const Candidates& own) const {
  if (!head_.is_shared()) return own;
  // Ranks may have other numbers of ids: all send as many.
  const bool refined = head_.weight.scalar_type() != at::kFloat;
  const std::int64_t missing = (refined ? kRefined : 1) - own.ids.size(-1);
  const at::Tensor part =
      at::stack({at::constant_pad_nd(own.ids, {0, missing},
                                     std::numeric_limits<std::int64_t>::max()),
                 // Their bits: integers and floats in one message.
                 at::constant_pad_nd(own.logits, {0, missing},
                                     -std::numeric_limits<float>::infinity())
                     .view(at::kInt)
                     .to(at::kLong)});
  // [ranks, 2, rows, count] -> [2, rows, ranks * count]
  const at::Tensor all = head_.ranks->gather(part.contiguous())
                             .permute({1, 2, 0, 3})
                             .flatten(2, 3);
  return {all.select(0, 0),
          all.select(0, 1).to(at::kInt).contiguous().view(at::kFloat)};
}

// [rows] float32
at::Tensor TokenChoice::logsumexp(const at::Tensor& logits) const {
  const at::Tensor own = at::logsumexp(logits, {-1});
  if (!head_.is_shared()) return own;
  return at::logsumexp(head_.ranks->gather(own).to(at::kDouble), {0});
}

}  // namespace lens::engine
