#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/checkpoint/generation_config.h"
#include "model/checkpoint/tensor_table.h"
#include "model/shape.h"

namespace lens::model {

// How ranks can share the weights.
struct Spread {
  int ranks = 1;
  std::int64_t values = 0;  // of the rank that holds most
};

// What the configuration of a checkpoint says of its model, whatever the
// family. Read without torch: planning and memory need no more.
struct Description {
  Shape shape;
  PatchShape patches;
  TensorTable tensors;  // what the weight files have to hold
  std::string dtype;    // of the weights, as the config says; "": it does not
  GenerationConfig generation;
  // Every number of ranks that can hold the model together, 1 first.
  std::vector<Spread> spreads;
  // What was chosen where the files say two things or nothing, a line each.
  std::vector<std::string> notes;
};

// A checkpoint that the makers of a family have published.
struct PublishedModel {
  std::string name;
  std::vector<Spread> spreads;  // as of a Description
};

}  // namespace lens::model
