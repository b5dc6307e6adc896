#pragma once

#include <span>
#include <vector>

namespace lens::analysis::statistics {

// p values corrected for being many, in their order (Holm 1979): the chance
// that any of them is below alpha without cause stays below alpha.
std::vector<double> holm_adjusted(std::span<const double> p);

}  // namespace lens::analysis::statistics
