#pragma once

#include <span>
#include <string>
#include <vector>

#include "analysis/statistics/study.h"

namespace lens::analysis::statistics {

// "The onset layer is 21 [20, 22] for both; no difference found (p = 0.43)."
// A test that finds nothing claims nothing. `onset_of_mean` [group] is of the
// groups' mean curves, nothing for a relation. `tests` is their number.
std::string test_sentence(const Test& test,
                          std::span<const LayerEstimate> onset_of_mean,
                          std::size_t tests);

// "21 [20, 22]", "20.6 [20.1, 21.0]", "none"; the interval where there is one.
std::string layer_text(const LayerEstimate& estimate, int decimals = 0);

// "p = 0.43", "p < 0.001".
std::string p_text(double p);

// "a", "a and b", "a, b and c".
std::string listed(const std::vector<std::string>& items);

}  // namespace lens::analysis::statistics
