#include "analysis/statistics/holm.h"

#include <algorithm>
#include <numeric>

namespace lens::analysis::statistics {

std::vector<double> holm_adjusted(std::span<const double> p) {
  std::vector<std::size_t> order(p.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return p[a] < p[b]; });
  std::vector<double> adjusted(p.size());
  double largest = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const double raised = p[order[i]] * static_cast<double>(p.size() - i);
    // Never below that of a smaller p.
    largest = std::max(largest, std::min(1.0, raised));
    adjusted[order[i]] = largest;
  }
  return adjusted;
}

}  // namespace lens::analysis::statistics
