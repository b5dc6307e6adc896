#include "engine/wave.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/stack.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "model/index_tensor.h"

namespace lens::engine {
namespace {

using model::index_tensor;

// Keeps the states of chosen rows of one pass.
class RowTap : public model::Observer {
 public:
  RowTap(const std::vector<std::int64_t>& rows, int num_layers,
         at::Device device)
      : rows_(index_tensor(rows, device)), num_layers_(num_layers) {}

  // State i < N is what enters layer i, state N what the head reads: the
  // numbering of transformers' output_hidden_states. The raw output of the last
  // layer is not a state.
  bool wants(model::Site site) const override {
    return site.kind == model::Site::Kind::kHeadInput ||
           (site.kind == model::Site::Kind::kResidual &&
            site.layer < num_layers_);
  }

  void visit(model::Site, const model::Rows&, at::Tensor& hidden) override {
    // A copy of the rows wanted: a view would keep the states of all tokens of
    // the pass alive for as long as the sink keeps them.
    states_.push_back(at::index_select(hidden, 0, rows_));
  }

  // [rows, N + 1, hidden_size]
  at::Tensor states() const { return at::stack(states_, 1); }

 private:
  at::Tensor rows_;
  int num_layers_;
  std::vector<at::Tensor> states_;
};

// Rows from `first` on are those that the chosen tokens were read from.
void set_targets(const ChosenTokens& chosen, std::size_t first,
                 std::vector<CapturedRow>* rows) {
  for (std::size_t i = first; i < rows->size(); ++i) {
    const std::size_t at = i - first;
    (*rows)[i].target = chosen.ids[at];
    (*rows)[i].own = {chosen.logsumexp[at], chosen.logit[at]};
  }
}

}  // namespace

Wave::Wave(const model::Model& model, const Schedule& schedule,
           std::span<const Picture> pictures, WavePrompts given,
           const GenerateOptions& options, RowSink* sink)
    : model_(model),
      schedule_(schedule),
      pictures_(pictures),
      prompts_(given.prompts),
      first_(given.first),
      options_(options),
      sink_(sink),
      choice_(model.head(), options.repetition_penalty),
      results_(given.prompts.size()) {
  for (const Prompt& prompt : prompts_) {
    std::vector<model::Grid> grids;
    if (prompt.picture >= 0) grids.push_back(pictures_[prompt.picture].grid);
    Sequence sequence;
    sequence.slot = static_cast<std::int64_t>(sequences_.size());
    sequence.positions = model_.positions(prompt.ids, grids);
    if (choice_.penalises()) {
      sequence.seen.insert(prompt.ids.begin(), prompt.ids.end());
    }
    sequences_.push_back(std::move(sequence));
  }
}

std::vector<Generation> Wave::run() {
  std::vector<Group> groups =
      form_groups(prompts_, model_.shape().image_token_id);
  if (!options_.share_prefixes) {
    for (Group& group : groups) group.prefix = 0;
  }
  const Prefill plan = plan_prefill(prompts_, groups);
  // Who reads the features of a picture is counted before the first does: they
  // go with the last.
  features_.resize(pictures_.size());
  for (const auto* stretches : {&plan.prefixes, &plan.suffixes}) {
    for (const Stretch& stretch : *stretches) {
      const int picture = picture_in(stretch);
      if (picture >= 0) ++features_[picture].users;
    }
  }
  // The tower wants its memory before the cache is there: their peaks do not
  // add up.
  compute_features();
  make_cache();

  prefill(plan.prefixes);
  for (const Group& group : groups) {
    // The prefix was computed in the slot of the group's first sequence. From
    // here on each has its own copy, since each goes on alone.
    const std::size_t from = group.prompts.begin;
    for (std::size_t i = from; i < group.prompts.end; ++i) {
      cache_->copy(sequences_[from].slot, sequences_[i].slot, group.prefix);
      sequences_[i].cached = group.prefix;
      results_[i].shared_with = first_ + static_cast<int>(from);
      results_[i].shared_length = group.prefix;
    }
  }
  prefill(plan.suffixes);

  for (std::size_t i = 0; i < sequences_.size(); ++i) active_.push_back(i);
  // The token that a prefill chooses may already be an answer's last.
  retire();
  while (!active_.empty()) {
    check_cancelled();
    decode_step();
    retire();
  }
  return std::move(results_);
}

void Wave::check_cancelled() const {
  if (options_.cancelled && options_.cancelled()) throw Cancelled();
}

std::int64_t Wave::prompt_length(std::size_t sequence) const {
  return static_cast<std::int64_t>(prompts_[sequence].ids.size());
}

model::Owners Wave::owners(std::size_t sequence, int count) const {
  return {first_ + static_cast<int>(sequence), count};
}

int Wave::picture_in(const Stretch& stretch) const {
  // A shared prefix goes beyond the picture, so that what follows one holds
  // none of its tokens.
  return stretch.begin == 0 ? prompts_[stretch.sequence].picture : -1;
}

void Wave::make_cache() {
  std::int64_t longest = 0;
  for (std::size_t i = 0; i < sequences_.size(); ++i) {
    longest = std::max(longest, prompt_length(i));
  }
  cache_.emplace(model_.shape(), static_cast<std::int64_t>(sequences_.size()),
                 longest + options_.max_new_tokens, model_.options());
}

// The vision tower over the pictures of the wave, a pack at a time.
void Wave::compute_features() {
  std::vector<int> needed;
  std::vector<std::int64_t> patches;
  for (const Prompt& prompt : prompts_) {
    if (prompt.picture < 0) continue;
    // Prompts of one picture stand together: to look at the last is enough.
    if (!needed.empty() && needed.back() == prompt.picture) continue;
    const model::Grid& grid = pictures_[prompt.picture].grid;
    needed.push_back(prompt.picture);
    patches.push_back(std::int64_t{grid.height} * grid.width);
  }
  for (const Range& range : pack(patches, schedule_.max_vision_patches)) {
    check_cancelled();
    compute_pack(std::span(needed).subspan(range.begin, range.size()));
  }
}

void Wave::compute_pack(std::span<const int> pictures) {
  std::vector<at::Tensor> patches;
  std::vector<model::Grid> grids;
  for (const int picture : pictures) {
    patches.push_back(pictures_[picture].patches());
    grids.push_back(pictures_[picture].grid);
  }
  std::vector<at::Tensor> features =
      model_.image_features(at::cat(patches, 0), grids);
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    features_[pictures[i]].values = std::move(features[i]);
  }
}

// Features of the pictures in the stretches, one after another; undefined where
// there are none. What no later stretch asks for is freed (with the last
// picture of its pack).
at::Tensor Wave::take_features(std::span<const Stretch> stretches) {
  std::vector<at::Tensor> parts;
  for (const Stretch& stretch : stretches) {
    const int picture = picture_in(stretch);
    if (picture < 0) continue;
    Features& features = features_[picture];
    parts.push_back(features.values);
    if (--features.users == 0) features.values.reset();
  }
  return parts.empty() ? at::Tensor() : at::cat(parts, 0);
}

void Wave::prefill(std::span<const Stretch> stretches) {
  std::vector<std::int64_t> lengths;
  for (const Stretch& stretch : stretches) lengths.push_back(stretch.length());
  for (const Range& range : pack(lengths, schedule_.max_prefill_tokens)) {
    check_cancelled();
    prefill_pass(stretches.subspan(range.begin, range.size()));
  }
}

void Wave::prefill_pass(std::span<const Stretch> stretches) {
  const at::Device device = model_.options().device();
  PrefillPass pass = plan_pass(prompts_, stretches);
  model::Batch batch;
  batch.ids = std::move(pass.ids);
  batch.features = take_features(stretches);
  for (const Stretch& stretch : stretches) {
    const Sequence& sequence = sequences_[stretch.sequence];
    // What comes before the stretch is in the slot: the pass over the prefixes,
    // and the copies after it, have put it there.
    batch.segments.push_back(
        {sequence.slot, stretch.begin, stretch.length(),
         owners(stretch.sequence, static_cast<int>(stretch.readers))});
    const auto& axes = sequence.positions.axes;
    batch.positions.resize(axes.size());
    for (std::size_t axis = 0; axis < axes.size(); ++axis) {
      batch.positions[axis].insert(batch.positions[axis].end(),
                                   axes[axis].begin() + stretch.begin,
                                   axes[axis].begin() + stretch.end);
    }
  }
  Capture capture = pass.wanted;
  const std::size_t prompt_rows = capture.rows.size();
  if (options_.capture_answers) {
    for (std::size_t i = 0; i < pass.finishing.size(); ++i) {
      const std::size_t sequence = pass.finishing[i];
      // The state of the last prompt token predicts the first of the answer,
      // which stands right behind the prompt. Which one it is, is known after
      // the pass.
      capture.add(pass.last_rows[i],
                  {static_cast<int>(sequence), prompt_length(sequence), 0, {}});
    }
  }
  RowTap tap(capture.packed, model_.shape().num_layers, device);
  const bool tapped = sink_ && !capture.rows.empty();
  const at::Tensor hidden = forward(batch, tapped ? &tap : nullptr);
  for (const Stretch& stretch : stretches) {
    sequences_[stretch.sequence].cached = stretch.end;
  }
  if (!pass.finishing.empty()) {
    const ChosenTokens chosen = choose(
        at::index_select(hidden, 0, index_tensor(pass.last_rows, device)),
        pass.finishing);
    accept(pass.finishing, chosen);
    set_targets(chosen, prompt_rows, &capture.rows);
  }
  if (tapped) deliver(tap.states(), std::move(capture.rows));
}

// `tap` comes last: rows hold what an observer has changed.
at::Tensor Wave::forward(const model::Batch& batch, model::Observer* tap) {
  std::vector<model::Observer*> observers;
  for (model::Observer* observer : {options_.observer, tap}) {
    if (observer) observers.push_back(observer);
  }
  return model_.forward(batch, *cache_, observers);
}

// One token for every active sequence.
void Wave::decode_step() {
  model::Batch batch;
  std::vector<std::int64_t> positions;
  Capture capture;
  for (std::size_t i = 0; i < active_.size(); ++i) {
    const Sequence& sequence = sequences_[active_[i]];
    const auto done = static_cast<std::int64_t>(sequence.generated.size());
    batch.ids.push_back(sequence.next_id);
    // next_id is number `done` of the answer, whose first stands at
    // positions.next. The row predicts the token after it.
    positions.push_back(sequence.positions.next + done - 1);
    batch.segments.push_back(
        {sequence.slot, sequence.cached, 1, owners(active_[i], 1)});
    capture.add(static_cast<std::int64_t>(i), {static_cast<int>(active_[i]),
                                               prompt_length(active_[i]) + done,
                                               0,
                                               {}});
  }
  // Text counts up on all axes alike.
  const std::size_t axes = sequences_[active_.front()].positions.axes.size();
  batch.positions.assign(axes, positions);
  RowTap tap(capture.packed, model_.shape().num_layers,
             model_.options().device());
  const bool tapped = sink_ && options_.capture_answers;
  const at::Tensor hidden = forward(batch, tapped ? &tap : nullptr);
  for (const std::size_t index : active_) ++sequences_[index].cached;
  const ChosenTokens chosen = choose(hidden, active_);
  accept(active_, chosen);
  if (!tapped) return;
  set_targets(chosen, 0, &capture.rows);
  deliver(tap.states(), std::move(capture.rows));
}

// hidden [rows, hidden_size]: state N of the positions that choose a token.
ChosenTokens Wave::choose(const at::Tensor& hidden,
                          std::span<const std::size_t> sequences) const {
  std::vector<const SeenIds*> seen;
  for (const std::size_t index : sequences) {
    seen.push_back(&sequences_[index].seen);
  }
  return choice_.choose(hidden, seen);
}

void Wave::accept(std::span<const std::size_t> sequences,
                  const ChosenTokens& chosen) {
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    Sequence& sequence = sequences_[sequences[i]];
    sequence.next_id = chosen.ids[i];
    sequence.generated.push_back(chosen.ids[i]);
    if (choice_.penalises()) sequence.seen.insert(chosen.ids[i]);
    // NaN or infinity among the logits, unless they are -infinity, shows here.
    sequence.finite = std::isfinite(chosen.logsumexp[i]);
  }
}

// The plan numbers the prompts of the wave, the sink all of them.
void Wave::deliver(const at::Tensor& states,
                   std::vector<CapturedRow> rows) const {
  for (CapturedRow& row : rows) row.prompt += first_;
  sink_->take(states, rows);
}

// Takes finished sequences out; the last active one moves into a freed slot, so
// that the active ones always fill the first slots.
void Wave::retire() {
  for (std::size_t i = 0; i < active_.size();) {
    const std::size_t index = active_[i];
    Sequence& sequence = sequences_[index];
    const bool ended =
        std::find(options_.end_ids.begin(), options_.end_ids.end(),
                  sequence.next_id) != options_.end_ids.end();
    if (!ended && sequence.finite &&
        static_cast<int>(sequence.generated.size()) < options_.max_new_tokens) {
      ++i;
      continue;
    }
    Generation& result = results_[index];
    result.ids = std::move(sequence.generated);
    result.ended = ended;
    result.finite = sequence.finite;
    if (options_.finished) {
      options_.finished(first_ + static_cast<int>(index));
    }
    // Invariant: no slot keeps a NaN. A shorter sequence that moves in leaves
    // the tail of the former one behind, whose masked entries meet a product
    // with zero.
    if (!sequence.finite) cache_->clear(sequence.slot);
    Sequence& last = sequences_[active_.back()];
    cache_->copy(last.slot, sequence.slot, last.cached);
    last.slot = static_cast<std::int64_t>(i);
    active_[i] = active_.back();
    active_.pop_back();
    // The one that moved in has not been looked at: i stays.
  }
}

}  // namespace lens::engine
