#pragma once

#include <vector>

#include "model/description.h"
#include "model/qwen/config.h"
#include "model/share.h"

namespace lens::model::qwen {

// How ranks share the weights (tensor parallelism as in Megatron-LM,
// arXiv 1909.08053): attention by heads, MLPs by units, embedding and head by
// ids of the vocabulary, of the decoder and of the vision tower alike. What
// makes heads or units is cut by its outputs, what reads them by its inputs,
// whose products are then parts of a sum. Norms and the embedding of patches
// everybody has.
//
// A key head that several ranks need is held by each of them.

// Whether so many ranks can share the model: each has the same number of query
// heads, all heads of a key head or all of its own are on one rank, and each
// has some units and some ids. Of the tower's heads a rank may have one more
// than others, or none.
bool can_spread(const Config& config, int ranks);

// For every number of ranks that can.
std::vector<Spread> spreads(const Config& config);

// Empty for one rank. can_spread() must hold.
Cuts cuts(const Config& config, const Share& share);

// What a rank has: heads, key heads and MLP units are its own.
Shape shape_of(const Config& config, const Share& share);

}  // namespace lens::model::qwen
