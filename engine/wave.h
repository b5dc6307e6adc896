#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/engine.h"
#include "model/kv_cache.h"
#include "model/qwen2_vl/decoder.h"

namespace lens::model {

// Prompts that are decoded together: from features to answers. Sequence i of
// the wave starts in slot i of the cache.
class Wave {
 public:
  // `members` are indices into prompts, those of one picture together.
  Wave(const ModelConfig& config, const Weights& weights,
       const Schedule& schedule, std::span<const Picture> pictures,
       std::span<const Prompt> prompts, std::vector<int> members,
       const GenerateOptions& options, RowSink* sink);

  // Fills results[prompt] of all members.
  void run(std::vector<Generation>* results);

 private:
  // One prompt on its way.
  struct Sequence {
    int prompt = 0;
    std::int64_t slot = 0;
    std::int64_t cached = 0;   // tokens in the slot
    MropePositions positions;  // of the prompt
    std::int64_t next_id = 0;  // chosen, not yet decoded
    std::vector<std::int64_t> generated;
    bool finite = true;  // the logits that they were chosen by
  };
  // Sequences of one picture, and how many leading ids they share.
  struct Group {
    std::vector<std::size_t> sequences;  // indices into sequences_
    std::int64_t prefix = 0;
  };
  // A stretch of one sequence that a prefill pass computes.
  struct Stretch {
    std::size_t sequence = 0;
    std::int64_t begin = 0;
    std::int64_t end = 0;
    // Sequences that want the row read at the last state of the stretch (all of
    // the group for a shared prefix).
    std::vector<std::size_t> readers;
  };
  struct Choice {
    std::vector<std::int64_t> ids;
    std::vector<float> logsumexp;
    std::vector<float> logit;
  };

  void compute_features();
  void form_groups();
  void prefill(const std::vector<Stretch>& stretches);
  void prefill_pass(std::span<const Stretch> stretches);
  void decode_step();
  void accept(std::span<const std::size_t> sequences, const Choice& choice);
  void retire(std::vector<Generation>* results);
  Choice choose(const at::Tensor& hidden,
                std::span<const std::size_t> sequences) const;
  void check_cancelled() const;
  std::int64_t image_end(const Prompt& prompt) const;

  const ModelConfig& config_;
  const Weights& weights_;
  const Schedule& schedule_;
  std::span<const Picture> pictures_;
  std::span<const Prompt> prompts_;
  const GenerateOptions& options_;
  RowSink* sink_;

  std::vector<Sequence> sequences_;
  std::vector<Group> groups_;
  std::vector<at::Tensor> features_;  // by picture; undefined where unused
  std::unique_ptr<KvCache> cache_;
  // Sequences still decoding; the one at place i lies in slot i.
  std::vector<std::size_t> active_;
};

}  // namespace lens::model
