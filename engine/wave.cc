#include "engine/wave.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/argmax.h>
#include <ATen/ops/bmm.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/logsumexp.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/topk.h>
#include <ATen/ops/where.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <unordered_set>

#include "base/error.h"
#include "model/qwen2_vl/vision.h"

namespace lens::model {
namespace {

// Candidates whose bfloat16 logits are computed again. Of 151,936 random logits
// the bfloat16 values that tie with the largest were never more than 9.
constexpr std::int64_t kRefined = 32;

at::Tensor index_tensor(const std::vector<std::int64_t>& values,
                        at::Device device) {
  return at::tensor(values, at::kLong).to(device);
}

// Keeps the states of chosen rows of one pass.
class RowTap : public StateTap {
 public:
  RowTap(const std::vector<std::int64_t>& rows, at::Device device)
      : rows_(index_tensor(rows, device)) {}

  void on_state(int, const at::Tensor& hidden) override {
    states_.push_back(at::index_select(hidden, 0, rows_));
  }

  // [rows, N + 1, hidden_size]
  at::Tensor states() const { return at::stack(states_, 1); }

 private:
  at::Tensor rows_;
  std::vector<at::Tensor> states_;
};

// What one pass captures: packed row and the token it predicts.
struct Capture {
  std::vector<std::int64_t> packed;
  std::vector<CapturedRow> rows;

  void add(std::int64_t packed_row, const CapturedRow& row) {
    packed.push_back(packed_row);
    rows.push_back(row);
  }
};

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

Wave::Wave(const ModelConfig& config, const Weights& weights,
           const Schedule& schedule, std::span<const Picture> pictures,
           std::span<const Prompt> prompts, std::vector<int> members,
           const GenerateOptions& options, RowSink* sink)
    : config_(config),
      weights_(weights),
      schedule_(schedule),
      pictures_(pictures),
      prompts_(prompts),
      options_(options),
      sink_(sink) {
  std::int64_t capacity = 0;
  for (const int prompt : members) {
    const Prompt& given = prompts_[prompt];
    std::vector<Grid> grids;
    if (given.picture >= 0) grids.push_back(pictures_[given.picture].grid);
    Sequence sequence;
    sequence.prompt = prompt;
    sequence.slot = static_cast<std::int64_t>(sequences_.size());
    sequence.positions = mrope_positions(given.ids, grids, config_);
    sequences_.push_back(std::move(sequence));
    capacity = std::max<std::int64_t>(
        capacity, static_cast<std::int64_t>(given.ids.size()));
  }
  capacity += options_.max_new_tokens;
  cache_ = std::make_unique<KvCache>(
      config_.text, static_cast<std::int64_t>(sequences_.size()), capacity,
      weights_.text.embedding.options());
}

void Wave::run(std::vector<Generation>* results) {
  compute_features();
  form_groups();

  std::vector<Stretch> prefixes;
  std::vector<Stretch> suffixes;
  for (const Group& group : groups_) {
    if (group.prefix > 0) {
      prefixes.push_back(
          {group.sequences.front(), 0, group.prefix, group.sequences});
    }
    for (const std::size_t index : group.sequences) {
      const auto length = static_cast<std::int64_t>(
          prompts_[sequences_[index].prompt].ids.size());
      suffixes.push_back({index, group.prefix, length, {index}});
      Generation& result = (*results)[sequences_[index].prompt];
      result.shared_with = sequences_[group.sequences.front()].prompt;
      result.shared_length = group.prefix;
    }
  }
  prefill(prefixes);
  for (const Group& group : groups_) {
    const Sequence& first = sequences_[group.sequences.front()];
    for (const std::size_t index : group.sequences) {
      cache_->copy(first.slot, sequences_[index].slot, group.prefix);
      sequences_[index].cached = group.prefix;
    }
  }
  prefill(suffixes);

  for (std::size_t i = 0; i < sequences_.size(); ++i) active_.push_back(i);
  retire(results);
  while (!active_.empty()) {
    check_cancelled();
    decode_step();
    retire(results);
  }
}

void Wave::check_cancelled() const {
  if (options_.cancelled && options_.cancelled()) throw Cancelled();
}

// The vision tower over the pictures of the wave, a pack at a time.
void Wave::compute_features() {
  features_.resize(pictures_.size());
  std::vector<int> needed;
  for (const Sequence& sequence : sequences_) {
    const int picture = prompts_[sequence.prompt].picture;
    if (picture >= 0 && (needed.empty() || needed.back() != picture)) {
      needed.push_back(picture);
    }
  }
  for (std::size_t begin = 0; begin < needed.size();) {
    check_cancelled();
    std::vector<at::Tensor> patches;
    std::vector<Grid> grids;
    std::int64_t total = 0;
    std::size_t end = begin;
    while (end < needed.size()) {
      const Picture& picture = pictures_[needed[end]];
      total += std::int64_t{picture.grid.height} * picture.grid.width;
      if (end > begin && total > schedule_.max_vision_patches) break;
      patches.push_back(picture.patches());
      grids.push_back(picture.grid);
      ++end;
    }
    const at::Tensor packed = vision_features(weights_.vision, config_.vision,
                                              at::cat(patches, 0), grids);
    std::int64_t row = 0;
    for (std::size_t i = begin; i < end; ++i) {
      const Grid& grid = grids[i - begin];
      const std::int64_t tokens =
          std::int64_t{grid.height} * grid.width / config_.vision.merge_area();
      features_[needed[i]] = packed.narrow(0, row, tokens);
      row += tokens;
    }
    begin = end;
  }
}

// One past the last image token; 0 without one.
std::int64_t Wave::image_end(const Prompt& prompt) const {
  const auto last =
      std::find(prompt.ids.rbegin(), prompt.ids.rend(), config_.image_token_id);
  return static_cast<std::int64_t>(prompt.ids.rend() - last);
}

void Wave::form_groups() {
  for (std::size_t i = 0; i < sequences_.size(); ++i) {
    const int picture = prompts_[sequences_[i].prompt].picture;
    const bool joins =
        !groups_.empty() && picture >= 0 &&
        prompts_[sequences_[groups_.back().sequences.front()].prompt].picture ==
            picture;
    if (!joins) groups_.emplace_back();
    groups_.back().sequences.push_back(i);
  }
  for (Group& group : groups_) {
    if (group.sequences.size() < 2) continue;
    const auto ids = [&](std::size_t sequence) -> const auto& {
      return prompts_[sequences_[sequence].prompt].ids;
    };
    const auto& first = ids(group.sequences.front());
    // Each keeps at least one token of its own: its states choose the answer.
    std::size_t shared = first.size() - 1;
    for (const std::size_t other : group.sequences) {
      shared = std::min(shared, ids(other).size() - 1);
      const auto differs = std::mismatch(
          first.begin(), first.begin() + static_cast<std::ptrdiff_t>(shared),
          ids(other).begin());
      shared = static_cast<std::size_t>(differs.first - first.begin());
    }
    const auto prefix = static_cast<std::int64_t>(shared);
    const Prompt& prompt = prompts_[sequences_[group.sequences.front()].prompt];
    if (prefix >= image_end(prompt)) group.prefix = prefix;
  }
}

// Packs stretches into passes of bounded size.
void Wave::prefill(const std::vector<Stretch>& stretches) {
  for (std::size_t begin = 0; begin < stretches.size();) {
    check_cancelled();
    std::int64_t tokens = 0;
    std::size_t end = begin;
    while (end < stretches.size()) {
      tokens += stretches[end].end - stretches[end].begin;
      if (end > begin && tokens > schedule_.max_prefill_tokens) break;
      ++end;
    }
    prefill_pass(std::span(stretches).subspan(begin, end - begin));
    begin = end;
  }
}

void Wave::prefill_pass(std::span<const Stretch> stretches) {
  const at::Device device = weights_.text.embedding.device();
  std::vector<std::int64_t> ids;
  std::vector<std::int64_t> axes[3];
  std::vector<std::int64_t> image_rows;
  std::vector<at::Tensor> image_features;
  std::vector<Segment> segments;
  Capture capture;
  std::vector<std::int64_t> last_rows;  // of stretches that end their prompt
  std::vector<std::size_t> finishing;

  for (const Stretch& stretch : stretches) {
    const Sequence& sequence = sequences_[stretch.sequence];
    const Prompt& prompt = prompts_[sequence.prompt];
    const auto packed = static_cast<std::int64_t>(ids.size());
    segments.push_back(
        {sequence.slot, stretch.begin, stretch.end - stretch.begin});
    for (std::int64_t at = stretch.begin; at < stretch.end; ++at) {
      const std::int64_t row = packed + at - stretch.begin;
      ids.push_back(prompt.ids[at]);
      for (int axis = 0; axis < 3; ++axis) {
        axes[axis].push_back(sequence.positions.axes[axis][at]);
      }
      if (prompt.ids[at] == config_.image_token_id) image_rows.push_back(row);
      // The state here predicts the token at the next position.
      const bool inside = at + 1 < stretch.end;
      for (const std::size_t reader : stretch.readers) {
        if (inside && reader != stretch.readers.front()) continue;
        const Prompt& reading = prompts_[sequences_[reader].prompt];
        const auto next = static_cast<std::size_t>(at + 1);
        if (next < reading.ids.size() && next < reading.wanted.size() &&
            reading.wanted[next]) {
          capture.add(row, {sequences_[reader].prompt, at + 1,
                            reading.ids[next], std::nullopt});
        }
      }
    }
    if (!image_rows.empty() && image_rows.back() >= packed) {
      image_features.push_back(features_[prompt.picture]);
    }
    if (stretch.end == static_cast<std::int64_t>(prompt.ids.size())) {
      last_rows.push_back(static_cast<std::int64_t>(ids.size()) - 1);
      finishing.push_back(stretch.sequence);
    }
  }

  at::Tensor embeddings =
      at::embedding(weights_.text.embedding, index_tensor(ids, device));
  if (!image_rows.empty()) {
    embeddings.index_copy_(0, index_tensor(image_rows, device),
                           at::cat(image_features, 0));
  }
  const at::Tensor positions =
      at::stack({index_tensor(axes[0], device), index_tensor(axes[1], device),
                 index_tensor(axes[2], device)});
  const std::size_t prompt_rows = capture.rows.size();
  if (options_.capture_answers) {
    for (std::size_t i = 0; i < finishing.size(); ++i) {
      const Sequence& sequence = sequences_[finishing[i]];
      const auto length =
          static_cast<std::int64_t>(prompts_[sequence.prompt].ids.size());
      capture.add(last_rows[i], {sequence.prompt, length, 0, std::nullopt});
    }
  }
  RowTap tap(capture.packed, device);
  const bool tapped = sink_ && !capture.rows.empty();
  const at::Tensor hidden =
      decode_pass(weights_.text, config_.text, embeddings, positions, segments,
                  *cache_, tapped ? &tap : nullptr);
  for (const Stretch& stretch : stretches) {
    sequences_[stretch.sequence].cached = stretch.end;
  }
  if (!finishing.empty()) {
    const Choice choice =
        choose(at::index_select(hidden, 0, index_tensor(last_rows, device)),
               finishing);
    accept(finishing, choice);
    for (std::size_t i = prompt_rows; i < capture.rows.size(); ++i) {
      const std::size_t at = i - prompt_rows;
      capture.rows[i].target = choice.ids[at];
      capture.rows[i].own = {choice.logsumexp[at], choice.logit[at]};
    }
  }
  if (tapped) sink_->take(tap.states(), capture.rows);
}

// One token for every active sequence.
void Wave::decode_step() {
  const at::Device device = weights_.text.embedding.device();
  std::vector<std::int64_t> ids;
  std::vector<std::int64_t> positions;
  std::vector<Segment> segments;
  Capture capture;
  for (std::size_t i = 0; i < active_.size(); ++i) {
    const Sequence& sequence = sequences_[active_[i]];
    const auto done = static_cast<std::int64_t>(sequence.generated.size());
    const auto prompt_length =
        static_cast<std::int64_t>(prompts_[sequence.prompt].ids.size());
    ids.push_back(sequence.next_id);
    positions.push_back(sequence.positions.next + done - 1);
    segments.push_back({sequence.slot, sequence.cached, 1});
    capture.add(static_cast<std::int64_t>(i),
                {sequence.prompt, prompt_length + done, 0, std::nullopt});
  }
  const at::Tensor position = index_tensor(positions, device);
  RowTap tap(capture.packed, device);
  const bool tapped = sink_ && options_.capture_answers;
  const at::Tensor hidden = decode_pass(
      weights_.text, config_.text,
      at::embedding(weights_.text.embedding, index_tensor(ids, device)),
      at::stack({position, position, position}), segments, *cache_,
      tapped ? &tap : nullptr);
  for (const std::size_t index : active_) ++sequences_[index].cached;
  const Choice choice = choose(hidden, active_);
  accept(active_, choice);
  if (!tapped) return;
  for (std::size_t i = 0; i < capture.rows.size(); ++i) {
    capture.rows[i].target = choice.ids[i];
    capture.rows[i].own = {choice.logsumexp[i], choice.logit[i]};
  }
  sink_->take(tap.states(), capture.rows);
}

void Wave::accept(std::span<const std::size_t> sequences,
                  const Choice& choice) {
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    Sequence& sequence = sequences_[sequences[i]];
    sequence.next_id = choice.ids[i];
    sequence.generated.push_back(choice.ids[i]);
    // NaN or infinity among the logits, unless they are -infinity, shows here.
    sequence.finite = std::isfinite(choice.logsumexp[i]);
  }
}

// Takes finished sequences out; the last active one moves into a freed slot, so
// that the active ones always fill the first slots.
void Wave::retire(std::vector<Generation>* results) {
  for (std::size_t i = 0; i < active_.size();) {
    Sequence& sequence = sequences_[active_[i]];
    const bool ended =
        std::find(options_.end_ids.begin(), options_.end_ids.end(),
                  sequence.next_id) != options_.end_ids.end();
    if (!ended && sequence.finite &&
        static_cast<int>(sequence.generated.size()) < options_.max_new_tokens) {
      ++i;
      continue;
    }
    Generation& result = (*results)[sequence.prompt];
    result.ids = std::move(sequence.generated);
    result.ended = ended;
    result.finite = sequence.finite;
    if (options_.finished) options_.finished(sequence.prompt);
    Sequence& last = sequences_[active_.back()];
    // Masked entries meet a product with zero: NaN must not be among them.
    if (!sequence.finite) cache_->clear(sequence.slot);
    cache_->copy(last.slot, sequence.slot, last.cached);
    last.slot = static_cast<std::int64_t>(i);
    active_[i] = active_.back();
    active_.pop_back();
  }
}

// hidden [rows, hidden_size]: state N of the positions that choose a token.
Wave::Choice Wave::choose(const at::Tensor& hidden,
                          std::span<const std::size_t> sequences) const {
  const at::Tensor logits =
      at::linear(hidden, weights_.text.lm_head).to(at::kFloat);
  Choice choice;
  choice.logsumexp = to_floats(at::logsumexp(logits, {-1}));
  at::Tensor judged = logits;
  const double penalty = options_.repetition_penalty;
  std::vector<std::unordered_set<std::int64_t>> seen(sequences.size());
  if (penalty != 1.0) {
    judged = logits.clone();
    for (std::size_t i = 0; i < sequences.size(); ++i) {
      const Sequence& sequence = sequences_[sequences[i]];
      const auto& ids = prompts_[sequence.prompt].ids;
      seen[i].insert(ids.begin(), ids.end());
      seen[i].insert(sequence.generated.begin(), sequence.generated.end());
      const at::Tensor index =
          index_tensor({seen[i].begin(), seen[i].end()}, judged.device());
      at::Tensor row = judged.select(0, static_cast<std::int64_t>(i));
      row.index_copy_(0, index, penalise(row.index_select(0, index), penalty));
    }
  }
  if (hidden.scalar_type() == at::kFloat) {
    const at::Tensor best = at::argmax(judged, -1);
    choice.ids = to_integers(best);
    choice.logit = to_floats(logits.gather(-1, best.unsqueeze(-1)).squeeze(-1));
    return choice;
  }
  // bfloat16: the candidates again, with products accumulated in float32.
  const std::int64_t count = std::min(kRefined, judged.size(-1));
  const at::Tensor candidates = std::get<1>(at::topk(judged, count, -1));
  const at::Tensor rows =
      at::index_select(weights_.text.lm_head, 0, candidates.flatten())
          .to(at::kFloat)
          .view({hidden.size(0), count, hidden.size(1)});
  const at::Tensor exact =
      at::bmm(rows, hidden.to(at::kFloat).unsqueeze(-1)).squeeze(-1);
  const std::vector<float> raw = to_floats(exact);
  const std::vector<std::int64_t> id = to_integers(candidates);
  std::vector<float> value = raw;
  for (std::int64_t row = 0; row < hidden.size(0); ++row) {
    std::int64_t best = row * count;
    for (std::int64_t i = best; i < (row + 1) * count; ++i) {
      if (seen[static_cast<std::size_t>(row)].contains(id[i])) {
        value[i] = penalise(raw[i], static_cast<float>(penalty));
      }
    }
    for (std::int64_t i = best + 1; i < (row + 1) * count; ++i) {
      if (value[i] > value[best] ||
          (value[i] == value[best] && id[i] < id[best])) {
        best = i;
      }
    }
    choice.ids.push_back(id[best]);
    choice.logit.push_back(raw[best]);
  }
  return choice;
}

}  // namespace lens::model
