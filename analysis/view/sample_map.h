#pragma once

#include <string>
#include <vector>

#include "analysis/figures/figures.h"
#include "analysis/view/sample_view.h"

namespace lens::analysis::view {

struct SampleMapOptions {
  // What a cell's colour is: the entropy of the state's distribution, 0 .. ln
  // V, or the probability of its top token, 0 .. 1.
  figures::HeatMap::Scale value = figures::HeatMap::Scale::kEntropy;
  std::vector<int> layers = {};  // rising; empty: all
  bool colour = false;
  int width = 100;  // columns of the terminal
};

// The sample for a terminal: prompt, reference, answer and score, then a heat
// map: a column for each generated token, a row for each layer, the last layer
// on top, as in the figures. A cell has the layer's top token; where it is the
// token that was written, it is bold and underlined, without colour it stands
// in brackets. Without colour a bar of eight heights stands for the value.
// Token columns that do not fit beside each other follow in further blocks. A
// failed sample has its reason in place of the map.
std::string sample_map(const SampleView& view,
                       const std::vector<std::string>& token_texts,
                       const SampleMapOptions& options);

}  // namespace lens::analysis::view
