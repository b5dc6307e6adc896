#pragma once

#include <cstdint>

namespace lens::model {

// The sizes of a model that others than its family need.
struct Shape {
  int num_layers = 0;  // of the decoder, N
  int hidden_size = 0;
  int mlp_size = 0;  // hidden units of a layer's MLP
  int num_heads = 0;
  int num_kv_heads = 0;
  int head_dim = 0;
  std::int64_t vocab_size = 0;
  std::int64_t max_positions = 0;   // tokens of prompt and answer
  std::int64_t image_token_id = 0;  // stands where a feature of the image goes

  // The embeddings, what each layer but the last gives, and the last one's
  // after the final norm: N + 1.
  int num_states() const { return num_layers + 1; }
};

// How an image is cut for the vision tower.
struct PatchShape {
  int channels = 3;
  int patch_size = 14;          // pixels a side
  int temporal_patch_size = 2;  // frames
  int merge_size = 2;           // patches a side that become one token

  // Values of a patch.
  int patch_dim() const {
    return channels * temporal_patch_size * patch_size * patch_size;
  }
};

}  // namespace lens::model
