#pragma once

#include <string>

#include "analysis/diff/changed_answer.h"

namespace lens::analysis::diff {

struct PartingMapOptions {
  double largest_entropy = 0;  // ln V, the end of the scale
  bool colour = false;
  int width = 100;  // columns
};

// An opened answer in the terminal, in the manner of `lens show`: both texts,
// then a row for each layer with the top token of A and of B where they part,
// and the ranks of the two tokens that were written.
std::string parting_map(const ChangedAnswer& changed,
                        const PartingMapOptions& options);

// "A": "␣Paris", "the end of the answer", "nothing: it was cut".
std::string written_words(const PartingSide& side);

// "3", ">5" where only 5 top tokens are kept and it is none of them.
std::string rank_text(std::int32_t rank, std::size_t kept);

}  // namespace lens::analysis::diff
