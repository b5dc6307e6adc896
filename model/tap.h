#pragma once

#include <ATen/core/Tensor.h>

namespace lens::model {

// Sees every hidden state of a decoder pass as it is made. The model stores
// nothing for it.
class StateTap {
 public:
  virtual ~StateTap() = default;

  // state 0 is the embeddings with the image features merged, state i (0 < i <
  // N) the residual output of layer i-1, state N the output after the final
  // norm: the numbering of transformers' output_hidden_states.
  //   hidden  [tokens, hidden_size]  weights' dtype; valid during the call only
  virtual void on_state(int state, const at::Tensor& hidden) = 0;
};

}  // namespace lens::model
