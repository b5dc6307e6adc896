#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <span>
#include <stdexcept>
#include <vector>

#include "engine/prompt.h"
#include "model/batch.h"
#include "model/sites.h"

namespace lens::engine {

// What the vision tower reads of one image.
struct Picture {
  // Gives [grid area, patch_dim] float32, CPU; asked when the tower needs it
  // and dropped after. What it captures must live until generate() returns.
  std::function<at::Tensor()> patches;
  model::Grid grid;
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
  // Visits the sites of every pass before the states of rows are captured,
  // which are then what it has put. It is told the number of each row's prompt;
  // rows of a shared prefix are those of all prompts of the picture. Null:
  // nobody.
  model::Observer* observer = nullptr;
  // False: each prompt computes all of its rows, for an observer that changes
  // those of one prompt and not its neighbour's.
  bool share_prefixes = true;
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

}  // namespace lens::engine
