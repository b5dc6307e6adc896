#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "engine/generation.h"
#include "engine/row_sink.h"
#include "engine/schedule.h"
#include "engine/token_choice.h"
#include "engine/wave_plan.h"
#include "model/kv_cache.h"
#include "model/model.h"

namespace lens::engine {

// The prompts of one wave among all that were given.
struct WavePrompts {
  std::span<const Prompt> prompts;
  int first = 0;  // the number of prompts.front() among all
};

// Prompts that are decoded together: from features to answers. Sequence i of
// the wave is prompt i of it, and starts in slot i of the cache.
class Wave {
 public:
  // Prompts of one picture stand together. All that is given must outlive the
  // wave. Throws lens::InputError for a prompt that does not fit its picture.
  Wave(const model::Model& model, const Schedule& schedule,
       std::span<const Picture> pictures, WavePrompts given,
       const GenerateOptions& options, RowSink* sink);

  // One result for each prompt of the wave; called once. Throws Cancelled.
  std::vector<Generation> run();

 private:
  // One prompt on its way.
  struct Sequence {
    std::int64_t slot = 0;
    std::int64_t cached = 0;     // tokens in the slot
    model::Positions positions;  // of the prompt
    std::int64_t next_id = 0;    // chosen, not yet decoded
    std::vector<std::int64_t> generated;
    SeenIds seen;        // in prompt and answer; filled where penalised
    bool finite = true;  // the logits that they were chosen by
  };
  // What the tower made of one picture, while stretches are to come that hold
  // its tokens.
  struct Features {
    at::Tensor values;  // [image tokens, hidden_size]
    int users = 0;
  };

  void compute_features();
  void compute_pack(std::span<const int> pictures);
  void make_cache();
  void prefill(std::span<const Stretch> stretches);
  void prefill_pass(std::span<const Stretch> stretches);
  at::Tensor take_features(std::span<const Stretch> stretches);
  at::Tensor forward(const model::Batch& batch, model::Observer* tap);
  void decode_step();
  void accept(std::span<const std::size_t> sequences,
              const ChosenTokens& chosen);
  void retire();
  ChosenTokens choose(const at::Tensor& hidden,
                      std::span<const std::size_t> sequences) const;
  void deliver(const at::Tensor& states, std::vector<CapturedRow> rows) const;
  void check_cancelled() const;
  // The picture that the stretch holds the tokens of; -1: none.
  int picture_in(const Stretch& stretch) const;
  std::int64_t prompt_length(std::size_t sequence) const;
  // `count` prompts from that of the sequence on, among all.
  model::Owners owners(std::size_t sequence, int count) const;

  const model::Model& model_;
  const Schedule& schedule_;
  std::span<const Picture> pictures_;
  std::span<const Prompt> prompts_;  // of the wave
  const int first_;                  // among all
  const GenerateOptions& options_;
  RowSink* sink_;
  const TokenChoice choice_;

  std::vector<Sequence> sequences_;
  std::vector<Generation> results_;
  std::vector<Features> features_;  // by picture
  std::optional<model::KvCache> cache_;
  // Sequences still decoding. Invariant: the one at place i lies in slot i. A
  // decode step then reads the first slots of the cache where they lie; a gap
  // would be a copy of all keys and values in each step.
  std::vector<std::size_t> active_;
};

}  // namespace lens::engine
