#pragma once

#include <cstdint>
#include <optional>

namespace lens::engine {

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

}  // namespace lens::engine
