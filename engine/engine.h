#pragma once

#include <memory>
#include <span>
#include <vector>

#include "engine/generation.h"
#include "engine/row_sink.h"
#include "engine/schedule.h"
#include "model/model.h"

namespace lens::engine {

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
  Engine(std::unique_ptr<const model::Model> model, Schedule schedule);

  const model::Model& model() const { return *model_; }

  // One result for each prompt. Prompts of one picture stand together. Throws
  // lens::InputError for prompts that do not fit their picture, Cancelled.
  std::vector<Generation> generate(std::span<const Picture> pictures,
                                   std::span<const Prompt> prompts,
                                   const GenerateOptions& options,
                                   RowSink* sink) const;

 private:
  // constant after construction
  std::unique_ptr<const model::Model> model_;
  Schedule schedule_;
};

}  // namespace lens::engine
