#include "lens/deferred.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/tensor.h>
#include <c10/core/InferenceMode.h>

#include <cmath>
#include <string>
#include <utility>

namespace lens::readout {
namespace {

// How far the two paths to the same logit may differ. float32: the sums run in
// another order, a few units in the last place of logits up to some hundreds.
// bfloat16: the model's log-sum-exp comes from logits rounded to 8 bits.
bool agrees(float lens, float own, at::ScalarType dtype) {
  const float tolerance = dtype == at::kFloat ? 1e-3f + 2e-5f * std::fabs(own)
                                              : 2e-2f + 8e-3f * std::fabs(own);
  return std::fabs(lens - own) <= tolerance;
}

}  // namespace

DeferredLens::DeferredLens(Backend* backend, Options options)
    : backend_(backend), options_(std::move(options)) {}

void DeferredLens::take(const at::Tensor& states,
                        std::span<const engine::CapturedRow> rows) {
  slab_.push_back(states);
  waiting_.insert(waiting_.end(), rows.begin(), rows.end());
  if (static_cast<std::int64_t>(waiting_.size()) >= options_.flush_tokens) {
    flush();
  }
}

LensRows DeferredLens::finish() {
  flush();
  return std::exchange(rows_, {});
}

// The rows' widths are known when the first ones come.
void DeferredLens::start(const Readout& readout, std::int64_t hidden_size) {
  const auto kept = static_cast<std::int64_t>(options_.kept_states.size());
  table::Widths widths = {.layers = readout.get<"entropy">().size(1),
                          .ranks = readout.get<"top_id">().size(2),
                          .scripts = readout.get<"script_share">().size(2),
                          .hidden_layers = kept,
                          .hidden_size = kept > 0 ? hidden_size : 0};
  // Which part of prompt or answer a token is, the lens does not know: whoever
  // made the prompt adds it.
  widths.columns.reset(table::column_index<"token_role">());
  rows_.tokens = table::TokenRows(widths);
}

void DeferredLens::flush() {
  if (waiting_.empty()) return;
  const c10::InferenceMode inference;
  const at::Tensor states = at::cat(slab_, 0);
  slab_.clear();
  std::vector<std::int64_t> targets;
  for (const engine::CapturedRow& row : waiting_) targets.push_back(row.target);
  const at::Tensor target_ids =
      at::tensor(targets, at::kLong).to(states.device());
  const Readout readout = backend_->read(states, target_ids);
  check(readout, states.scalar_type());

  if (rows_.captured.empty()) start(readout, states.size(2));
  table::TokenRows& tokens = rows_.tokens;
  for (const engine::CapturedRow& row : waiting_) {
    tokens.get<"token_id">().push_back(static_cast<std::int32_t>(row.target));
    tokens.get<"token_position">().push_back(
        static_cast<std::int32_t>(row.position));
  }
  append(readout, &tokens);
  if (!options_.kept_states.empty()) {
    const std::vector<std::int64_t> kept(options_.kept_states.begin(),
                                         options_.kept_states.end());
    const at::Tensor index = at::tensor(kept, at::kLong).to(states.device());
    const at::Tensor raw = at::index_select(states, 1, index)
                               .to(at::kCPU, at::kFloat)
                               .contiguous();
    const float* values = raw.const_data_ptr<float>();
    auto& hidden = tokens.get<"hidden">();
    hidden.insert(hidden.end(), values, values + raw.numel());
  }
  rows_.captured.insert(rows_.captured.end(), waiting_.begin(), waiting_.end());
  waiting_.clear();
}

void DeferredLens::check(const Readout& readout, at::ScalarType dtype) const {
  const std::int64_t last = readout.logsumexp.size(1) - 1;
  const at::Tensor lse = readout.logsumexp.select(1, last).contiguous();
  const at::Tensor logprob =
      readout.get<"target_logprob">().select(1, last).contiguous();
  for (std::size_t i = 0; i < waiting_.size(); ++i) {
    const engine::CapturedRow& row = waiting_[i];
    // A model whose logits are no numbers is not the lens's fault.
    if (!row.own || !std::isfinite(row.own->logsumexp)) continue;
    const float lens_lse = lse.const_data_ptr<float>()[i];
    // The readout has ln p; what the model reports is the logit.
    const float lens_logit = logprob.const_data_ptr<float>()[i] + lens_lse;
    if (!agrees(lens_lse, row.own->logsumexp, dtype) ||
        !agrees(lens_logit, row.own->target, dtype)) {
      throw LensMismatch(
          "the lens of the last state is not the model's logits (position " +
          std::to_string(row.position) + ": log-sum-exp " +
          std::to_string(lens_lse) + " against " +
          std::to_string(row.own->logsumexp) + ", logit " +
          std::to_string(lens_logit) + " against " +
          std::to_string(row.own->target) + ")");
    }
  }
}

}  // namespace lens::readout
