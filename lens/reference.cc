#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/full.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/log.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/one_hot.h>
#include <ATen/ops/sort.h>
#include <ATen/ops/sub.h>
#include <ATen/ops/topk.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <limits>

#include "lens/limits.h"
#include "lens/projection.h"
#include "lens/readout.h"

namespace lens::readout {
namespace {

// Running reductions over the vocabulary for R = T * S rows. Sums within a
// chunk are float32 (ATen sums in a tree), sums over chunks float64.
struct Sweep {
  std::int64_t tokens;
  std::int64_t states;
  at::Tensor max;        // [R] largest logit so far
  at::Tensor sum;        // [R] sum of e^(z - max)
  at::Tensor weighted;   // [R] sum of e^(z - max) (z - max)
  at::Tensor squared;    // [R] sum of e^(z - max) (z - max)^2
  at::Tensor final_dot;  // [T, S] sum of e^(z_N - max_N) (z - max)
  at::Tensor script;     // [R, scripts] sum of e^(z - max) by class
  at::Tensor larger;     // [R] ids with a larger logit than the target's
  at::Tensor target;     // [R] the target's logit
  at::Tensor top_value;  // [R, k]
  at::Tensor top_id;     // [R, k]
};

class ReferenceBackend : public Backend {
 public:
  ReferenceBackend(Head head, int top_k)
      : head_(std::move(head)),
        projection_(final_norm(head_.norm_weight, head_.norm_eps)),
        top_k_(top_k) {}

  Readout read(const at::Tensor& states, const at::Tensor& targets) override {
    const std::int64_t tokens = states.size(0);
    const std::int64_t step = tokens_at_once(states.size(1));
    std::vector<Readout> parts;
    for (std::int64_t begin = 0; begin < tokens; begin += step) {
      const std::int64_t length = std::min(step, tokens - begin);
      parts.push_back(read_block(states.narrow(0, begin, length),
                                 targets.narrow(0, begin, length)));
    }
    return join(parts);
  }

  std::string_view name() const override { return "plain operations"; }

 private:
  Sweep start(const at::Tensor& rows, const at::Tensor& targets,
              std::int64_t tokens, std::int64_t states) const {
    const std::int64_t count = rows.size(0);
    const auto wide = rows.options().dtype(at::kDouble);
    const double lowest = -std::numeric_limits<double>::infinity();
    Sweep sweep;
    sweep.tokens = tokens;
    sweep.states = states;
    sweep.max = at::full({count}, lowest, rows.options());
    sweep.sum = at::zeros({count}, wide);
    sweep.weighted = at::zeros({count}, wide);
    sweep.squared = at::zeros({count}, wide);
    sweep.final_dot = at::zeros({tokens, states}, wide);
    sweep.script = at::zeros({count, head_.scripts}, wide);
    sweep.larger = at::zeros({count}, rows.options().dtype(at::kLong));
    const at::Tensor target_rows =
        at::index_select(head_.weight, 0, targets).to(at::kFloat);
    sweep.target =
        at::matmul(rows.view({tokens, states, -1}), target_rows.unsqueeze(-1))
            .flatten();
    sweep.top_value = at::full({count, 0}, 0, rows.options());
    sweep.top_id = at::full({count, 0}, 0, rows.options().dtype(at::kLong));
    return sweep;
  }

  // Takes the ids [begin, begin + length) in.
  void advance(const at::Tensor& rows, const at::Tensor& targets,
               std::int64_t begin, std::int64_t length, Sweep* sweep) const {
    const at::Tensor weight =
        head_.weight.narrow(0, begin, length).to(at::kFloat);
    const at::Tensor logits = at::mm(rows, weight.t());  // [R, length]

    count_larger(logits, targets, begin, sweep);
    merge_top(logits, begin, sweep);

    const at::Tensor max = at::maximum(sweep->max, logits.amax(-1));
    const at::Tensor shifted = logits.sub_(max.unsqueeze(-1));
    const at::Tensor mass = at::exp(shifted);
    // What was summed so far refers to the old maximum: d = old - new <= 0.
    const at::Tensor moved = (sweep->max - max).to(at::kDouble);
    // Before the first chunk the old maximum is -infinity: sums of nothing
    // times an infinite distance would be NaN.
    const at::Tensor first = sweep->sum == 0;
    const at::Tensor drop = moved.masked_fill(first, 0);
    const at::Tensor factor = at::exp(drop);

    // sum p_N (z - max): the state N of each token weighs all its states.
    const at::Tensor by_token =
        shifted.view({sweep->tokens, sweep->states, length});
    const at::Tensor final_mass =
        mass.view({sweep->tokens, sweep->states, length})
            .select(1, sweep->states - 1);
    const at::Tensor final_sum = sweep->sum.view({sweep->tokens, sweep->states})
                                     .select(1, sweep->states - 1)
                                     .unsqueeze(-1);
    const at::Tensor final_factor = factor.view({sweep->tokens, sweep->states})
                                        .select(1, sweep->states - 1)
                                        .unsqueeze(-1);
    sweep->final_dot =
        final_factor * (sweep->final_dot +
                        final_sum * drop.view({sweep->tokens, sweep->states})) +
        // Not a matrix product: that would add up in one long chain.
        (by_token * final_mass.unsqueeze(1)).sum(-1).to(at::kDouble);

    const at::Tensor weighted = mass * shifted;
    // (z - new) = (z - old) + drop: the first and second moments move with it.
    const at::Tensor shifted_sum = sweep->weighted + sweep->sum * drop;
    sweep->squared =
        factor * (sweep->squared + drop * (sweep->weighted + shifted_sum)) +
        (weighted * shifted).sum(-1).to(at::kDouble);
    sweep->weighted = factor * shifted_sum + weighted.sum(-1).to(at::kDouble);
    sweep->sum = factor * sweep->sum + mass.sum(-1).to(at::kDouble);
    const at::Tensor classes =
        at::one_hot(head_.script_class.narrow(0, begin, length), head_.scripts)
            .to(at::kFloat);
    sweep->script = factor.unsqueeze(-1) * sweep->script +
                    at::mm(mass, classes).to(at::kDouble);
    sweep->max = max;
  }

  static void count_larger(const at::Tensor& logits, const at::Tensor& targets,
                           std::int64_t begin, Sweep* sweep) {
    const std::int64_t length = logits.size(1);
    const at::Tensor larger = logits > sweep->target.unsqueeze(-1);
    // The target itself never counts, however its two products round.
    const at::Tensor own = targets.repeat_interleave(sweep->states) - begin;
    const at::Tensor here = (own >= 0).logical_and(own < length);
    const at::Tensor itself =
        larger.gather(1, own.clamp(0, length - 1).unsqueeze(-1))
            .squeeze(-1)
            .logical_and(here);
    sweep->larger += larger.sum(-1) - itself.to(at::kLong);
  }

  // Ties keep the lower id first: ids ascend before a stable sort.
  void merge_top(const at::Tensor& logits, std::int64_t begin,
                 Sweep* sweep) const {
    const std::int64_t count = std::min<std::int64_t>(top_k_, logits.size(1));
    // topk() orders equal values as it likes.
    auto [unused, unordered] = at::topk(logits, count, -1);
    const at::Tensor index = std::get<0>(at::sort(unordered, -1));
    const at::Tensor value =
        at::cat({sweep->top_value, logits.gather(-1, index)}, -1);
    const at::Tensor id = at::cat({sweep->top_id, index + begin}, -1);
    const auto [sorted, order] =
        at::sort(value, /*stable=*/true, /*dim=*/-1, /*descending=*/true);
    const std::int64_t kept = std::min<std::int64_t>(top_k_, value.size(-1));
    sweep->top_value = sorted.narrow(-1, 0, kept);
    sweep->top_id = id.gather(-1, order).narrow(-1, 0, kept);
  }

  Readout read_block(const at::Tensor& states,
                     const at::Tensor& targets) const {
    const std::int64_t tokens = states.size(0);
    const std::int64_t count = states.size(1);
    const at::Tensor rows = head_rows(*projection_, states).to(at::kFloat);
    Sweep sweep = start(rows, targets, tokens, count);
    const std::int64_t vocab = head_.weight.size(0);
    const std::int64_t chunk = chunk_length(rows.size(0));
    for (std::int64_t begin = 0; begin < vocab; begin += chunk) {
      advance(rows, targets, begin, std::min(chunk, vocab - begin), &sweep);
    }
    return finish(sweep);
  }

  Readout finish(const Sweep& sweep) const {
    const auto shaped = [&](const at::Tensor& flat) {
      return flat.view({sweep.tokens, sweep.states});
    };
    const at::Tensor log_sum = at::log(sweep.sum);
    const at::Tensor lse = sweep.max.to(at::kDouble) + log_sum;
    // H = lse - E[z] = log sum - E[z - max]; both terms are >= 0.
    const at::Tensor entropy =
        (log_sum - sweep.weighted / sweep.sum).clamp_min(0);
    // The variance of ln p is that of z - max.
    const at::Tensor varentropy =
        (sweep.squared / sweep.sum - (sweep.weighted / sweep.sum).square())
            .clamp_min(0);
    // KL = E_N[log p_N - log p]; with z relative to each row's own maximum the
    // log-probability is (z - max) - log sum.
    const std::int64_t last = sweep.states - 1;
    const at::Tensor final_sum =
        shaped(sweep.sum).select(1, last).unsqueeze(-1);
    const at::Tensor cross = sweep.final_dot / final_sum - shaped(log_sum);
    const at::Tensor kl =
        (cross.select(1, last).unsqueeze(-1) - cross).clamp_min(0);

    const auto host = [](const at::Tensor& tensor, at::ScalarType type) {
      return tensor.to(at::kCPU, type).contiguous();
    };
    Readout readout;
    readout.get<"entropy">() = host(shaped(entropy), at::kFloat);
    readout.get<"kl_final">() = host(kl, at::kFloat);
    readout.get<"varentropy">() = host(shaped(varentropy), at::kFloat);
    readout.logsumexp = host(shaped(lse), at::kFloat);
    readout.get<"target_logprob">() = host(
        shaped(sweep.target.to(at::kDouble) - lse).clamp_max(0), at::kFloat);
    readout.get<"target_rank">() = host(shaped(sweep.larger) + 1, at::kInt);
    const std::vector<std::int64_t> top_shape = {sweep.tokens, sweep.states,
                                                 sweep.top_id.size(-1)};
    readout.get<"top_id">() = host(sweep.top_id.reshape(top_shape), at::kInt);
    readout.get<"top_logprob">() =
        host((sweep.top_value.to(at::kDouble) - lse.unsqueeze(-1))
                 .clamp_max(0)
                 .reshape(top_shape),
             at::kFloat);
    readout.get<"script_share">() =
        host((sweep.script / sweep.sum.unsqueeze(-1))
                 .view({sweep.tokens, sweep.states, head_.scripts}),
             at::kFloat);
    return readout;
  }

  static Readout join(const std::vector<Readout>& parts) {
    if (parts.size() == 1) return parts.front();
    const auto all = [&](const auto& column_of) {
      std::vector<at::Tensor> pieces;
      for (const Readout& part : parts) pieces.push_back(column_of(part));
      return at::cat(pieces, 0);
    };
    Readout readout;
    readout.logsumexp = all([](const Readout& part) { return part.logsumexp; });
    for (const table::Column& column : table::kColumns) {
      if (!column.of_states()) continue;
      readout.column(column) =
          all([&](const Readout& part) { return part.column(column); });
    }
    return readout;
  }

  Head head_;
  std::unique_ptr<const Projection> projection_;
  int top_k_;
};

}  // namespace

std::unique_ptr<Backend> reference_backend(Head head, int top_k) {
  return std::make_unique<ReferenceBackend>(std::move(head), top_k);
}

}  // namespace lens::readout
