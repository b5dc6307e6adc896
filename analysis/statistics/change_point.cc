#include "analysis/statistics/change_point.h"

#include "analysis/metrics/token_metrics.h"

namespace lens::analysis::statistics {

int change_point(std::span<const double> curve) {
  double total = 0;
  for (const double value : curve) total += value;
  const auto n = static_cast<double>(curve.size());
  // The squares within are least where those between the two means are largest.
  int layer = metrics::kNoLayer;
  double below = 0, most = -1;
  for (std::size_t l = 1; l < curve.size(); ++l) {
    below += curve[l - 1];
    const auto k = static_cast<double>(l);
    const double apart = below / k - (total - below) / (n - k);
    const double between = apart * apart * k * (n - k);
    if (between > most) {
      most = between;
      layer = static_cast<int>(l);
    }
  }
  return layer;
}

}  // namespace lens::analysis::statistics
