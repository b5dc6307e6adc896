#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <stdexcept>
#include <vector>

#include "model/qwen2_vl/config.h"
#include "model/qwen2_vl/rope.h"
#include "model/qwen2_vl/weights.h"

namespace lens::model {

// What the vision tower reads of one image.
struct Picture {
  // Gives [grid area, patch_dim] float32, CPU; asked when the tower needs it
  // and dropped after. What it captures must live until generate() returns.
  std::function<at::Tensor()> patches;
  Grid grid;
};

struct Prompt {
  std::vector<std::int64_t> ids;
  int picture = -1;  // index into the pictures; -1: text alone
  // wanted[p] != 0: a row for the prompt token at position p, read from the
  // states at p-1. Empty, or as long as ids; position 0 has no row.
  std::vector<std::uint8_t> wanted;
};

// Which token a row of captured states belongs to.
struct CapturedRow {
  int prompt = 0;
  std::int64_t position = 0;  // of the predicted token in its sequence
  std::int64_t target = 0;    // the predicted token
  // Of the model's own logits, where it chose the token by them: what the lens
  // of state N must reproduce.
  struct OwnLogits {
    float logsumexp = 0;
    float target = 0;  // the logit of `target`
  };
  std::optional<OwnLogits> own;
};

// Takes the states of captured rows.
class RowSink {
 public:
  virtual ~RowSink() = default;
  // states [rows, N + 1, hidden_size], weights' dtype and device; the sink may
  // keep the tensor.
  virtual void take(const at::Tensor& states,
                    std::span<const CapturedRow> rows) = 0;
};

struct Generation {
  // Generated ids; the end token is the last one where `ended`.
  std::vector<std::int64_t> ids;
  bool ended = false;
  // Whether all logits that tokens were chosen by are numbers. The first that
  // are not end the generation: what follows means nothing.
  bool finite = true;
  // Rows of prompt tokens at positions below shared_length were captured once,
  // under the prompt shared_with (its own index where nothing is shared).
  int shared_with = 0;
  std::int64_t shared_length = 0;
};

struct GenerateOptions {
  int max_new_tokens = 64;
  std::vector<std::int64_t> end_ids;
  bool capture_answers = true;
  double repetition_penalty = 1.0;  // 1: none. Rows never see it.
  // One prompt after the other instead of many together: slow, but what goes
  // wrong is the doing of one.
  bool alone = false;
  // Asked between passes; when it says true, generate() throws Cancelled.
  std::function<bool()> cancelled;
  // Called with the prompts that are to be decoded together next.
  std::function<void(std::span<const int> prompts)> started;
  // Called once for each prompt that is finished.
  std::function<void(int prompt)> finished;
};

class Cancelled : public std::runtime_error {
 public:
  Cancelled() : std::runtime_error("cancelled") {}
};

// Bounds of the batch schedule. They decide how work is packed, never what is
// computed; fixed by the kind of device so that a unit done twice is done
// alike.
struct Schedule {
  std::int64_t max_slots = 32;             // sequences decoded together
  std::int64_t max_prefill_tokens = 4096;  // in one packed pass
  std::int64_t max_vision_patches = 8192;  // in one packed pass
  std::int64_t kv_bytes = std::int64_t{2} << 30;

  static Schedule for_device(at::DeviceType device);
};

// Greedy decoding of many prompts at once with every layer's states captured.
//
// The images of a wave of prompts go through the vision tower packed; what the
// prompts of one image share (its tokens and all before) is prefilled once;
// the rest is prefilled packed; then all sequences of the wave are decoded
// together. The next token is the argmax of the float32 logits, the lowest id
// where they tie. In bfloat16 the leading candidates are computed again with
// float32 accumulation first, since bfloat16 logits tie often.
class Engine {
 public:
  Engine(ModelConfig config, Weights weights, Schedule schedule);

  const ModelConfig& config() const { return config_; }
  const Weights& weights() const { return weights_; }

  // One result for each prompt. Prompts of one picture stand together. Throws
  // lens::InputError for prompts that do not fit their picture, Cancelled.
  std::vector<Generation> generate(std::span<const Picture> pictures,
                                   std::span<const Prompt> prompts,
                                   const GenerateOptions& options,
                                   RowSink* sink) const;

 private:
  ModelConfig config_;  // constant after construction
  Weights weights_;     // constant after construction
  Schedule schedule_;   // constant after construction
};

}  // namespace lens::model
