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
#include <ATen/ops/sub.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <limits>

#include "lens/id_range.h"
#include "lens/limits.h"
#include "lens/projection.h"
#include "lens/readout.h"
#include "lens/top_list.h"

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
  TopList top;

  // Refers the sums to maxima that are no smaller than the own ones.
  void raise(const at::Tensor& to) {
    // d = old - new <= 0.
    const at::Tensor moved = (max - to).to(at::kDouble);
    // Before the first chunk the old maximum is -infinity: sums of nothing
    // times an infinite distance would be NaN.
    const at::Tensor first = sum == 0;
    const at::Tensor drop = moved.masked_fill(first, 0);
    const at::Tensor factor = at::exp(drop);
    const at::Tensor final_sum =
        sum.view({tokens, states}).select(1, states - 1).unsqueeze(-1);
    const at::Tensor final_factor =
        factor.view({tokens, states}).select(1, states - 1).unsqueeze(-1);
    final_dot =
        final_factor * (final_dot + final_sum * drop.view({tokens, states}));
    // (z - new) = (z - old) + drop: the first and second moments move with it.
    const at::Tensor shifted_sum = weighted + sum * drop;
    squared = factor * (squared + drop * (weighted + shifted_sum));
    weighted = factor * shifted_sum;
    sum = factor * sum;
    script = factor.unsqueeze(-1) * script;
    max = to;
  }

  // The sums as one tensor of float64, which holds all of them without loss:
  // [R, 6 + scripts].
  at::Tensor packed() const {
    const auto column = [&](const at::Tensor& values) {
      return values.to(at::kDouble).view({tokens * states, 1});
    };
    return at::cat({column(max), column(sum), column(weighted), column(squared),
                    column(final_dot), column(larger), script},
                   -1);
  }

  void unpack(const at::Tensor& all) {
    max = all.select(-1, 0).to(at::kFloat);
    sum = all.select(-1, 1).contiguous();
    weighted = all.select(-1, 2);
    squared = all.select(-1, 3);
    final_dot = all.select(-1, 4).reshape({tokens, states});
    larger = all.select(-1, 5).to(at::kLong);
    script = all.narrow(-1, 6, all.size(-1) - 6);
  }

  // Takes in what was made of other ids of the same rows.
  void merge(Sweep other) {
    const at::Tensor top_logit = at::maximum(max, other.max);
    raise(top_logit);
    other.raise(top_logit);
    sum = sum + other.sum;
    weighted = weighted + other.weighted;
    squared = squared + other.squared;
    final_dot = final_dot + other.final_dot;
    script = script + other.script;
    larger = larger + other.larger;
  }
};

class ReferenceBackend : public Backend {
 public:
  ReferenceBackend(Head head, int top_k)
      : head_(std::move(head)),
        ids_(head_),
        projection_(final_norm(head_.norm_weight, head_.norm_eps)),
        top_k_(std::min<std::int64_t>(top_k, ids_.vocab())) {}

  Readout read(const at::Tensor& states, const at::Tensor& targets) override {
    const std::int64_t tokens = states.size(0);
    const std::int64_t step = tokens_at_once(states.size(1));
    const at::Tensor places = ids_.places(targets);
    std::vector<Readout> parts;
    for (std::int64_t begin = 0; begin < tokens; begin += step) {
      const std::int64_t length = std::min(step, tokens - begin);
      parts.push_back(read_block(states.narrow(0, begin, length),
                                 places.narrow(0, begin, length)));
    }
    return join(parts);
  }

  std::string_view name() const override { return "plain operations"; }

 private:
  Sweep start(const at::Tensor& rows, const at::Tensor& places,
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
        at::index_select(head_.weight, 0, ids_.rows_to_read(places))
            .to(at::kFloat);
    sweep.target = ids_.target_logits(
        at::matmul(rows.view({tokens, states, -1}), target_rows.unsqueeze(-1))
            .flatten(),
        places);
    return sweep;
  }

  // Takes the ids [begin, begin + length) of this head in.
  void advance(const at::Tensor& rows, const at::Tensor& places,
               std::int64_t begin, std::int64_t length, Sweep* sweep) const {
    const at::Tensor weight =
        head_.weight.narrow(0, begin, length).to(at::kFloat);
    const at::Tensor logits = at::mm(rows, weight.t());  // [R, length]

    count_larger(logits, places, begin, sweep);
    sweep->top.take(logits, ids_.first_id() + begin, top_k_);

    sweep->raise(at::maximum(sweep->max, logits.amax(-1)));
    const at::Tensor shifted = logits.sub_(sweep->max.unsqueeze(-1));
    const at::Tensor mass = at::exp(shifted);

    // sum p_N (z - max): the state N of each token weighs all its states.
    const at::Tensor by_token =
        shifted.view({sweep->tokens, sweep->states, length});
    const at::Tensor final_mass =
        mass.view({sweep->tokens, sweep->states, length})
            .select(1, sweep->states - 1);
    // Not a matrix product: that would add up in one long chain.
    sweep->final_dot =
        sweep->final_dot +
        (by_token * final_mass.unsqueeze(1)).sum(-1).to(at::kDouble);

    const at::Tensor weighted = mass * shifted;
    sweep->squared =
        sweep->squared + (weighted * shifted).sum(-1).to(at::kDouble);
    sweep->weighted = sweep->weighted + weighted.sum(-1).to(at::kDouble);
    sweep->sum = sweep->sum + mass.sum(-1).to(at::kDouble);
    const at::Tensor classes =
        at::one_hot(head_.script_class.narrow(0, begin, length), head_.scripts)
            .to(at::kFloat);
    sweep->script = sweep->script + at::mm(mass, classes).to(at::kDouble);
  }

  static void count_larger(const at::Tensor& logits, const at::Tensor& places,
                           std::int64_t begin, Sweep* sweep) {
    const std::int64_t length = logits.size(1);
    const at::Tensor larger = logits > sweep->target.unsqueeze(-1);
    // The target itself never counts, however its two products round.
    const at::Tensor own = places.repeat_interleave(sweep->states) - begin;
    const at::Tensor here = (own >= 0).logical_and(own < length);
    const at::Tensor itself =
        larger.gather(1, own.clamp(0, length - 1).unsqueeze(-1))
            .squeeze(-1)
            .logical_and(here);
    sweep->larger += larger.sum(-1) - itself.to(at::kLong);
  }

  // What all ranks have seen, put together in their order.
  Sweep over_ranks(Sweep own) const {
    const at::Tensor all = ids_.gather(own.packed());
    Sweep whole = own;
    whole.unpack(all.select(0, 0));
    for (int rank = 1; rank < ids_.ranks(); ++rank) {
      own.unpack(all.select(0, rank));
      whole.merge(own);
    }
    whole.top = own.top.over_ranks(ids_, top_k_);
    return whole;
  }

  Readout read_block(const at::Tensor& states, const at::Tensor& places) const {
    const std::int64_t tokens = states.size(0);
    const std::int64_t count = states.size(1);
    const at::Tensor rows = head_rows(*projection_, states).to(at::kFloat);
    Sweep sweep = start(rows, places, tokens, count);
    const std::int64_t vocab = head_.weight.size(0);
    const std::int64_t chunk = chunk_length(rows.size(0));
    for (std::int64_t begin = 0; begin < vocab; begin += chunk) {
      advance(rows, places, begin, std::min(chunk, vocab - begin), &sweep);
    }
    return finish(ids_.is_whole() ? sweep : over_ranks(sweep));
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
                                                 sweep.top.id.size(-1)};
    readout.get<"top_id">() = host(sweep.top.id.reshape(top_shape), at::kInt);
    readout.get<"top_logprob">() =
        host((sweep.top.value.to(at::kDouble) - lse.unsqueeze(-1))
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
  IdRange ids_;
  std::unique_ptr<const Projection> projection_;
  std::int64_t top_k_;
};

}  // namespace

std::unique_ptr<Backend> reference_backend(Head head, int top_k) {
  return std::make_unique<ReferenceBackend>(std::move(head), top_k);
}

}  // namespace lens::readout
