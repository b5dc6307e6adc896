#pragma once

#include <vector>

#include "analysis/statistics/bootstrap.h"
#include "analysis/statistics/random_stream.h"

namespace lens::analysis::statistics {

// What a test of pairs found, by column.
struct SignFlipResult {
  std::vector<double> t;  // paired t; NaN where all differences are 0
  // (1 + flips whose largest |t| of ALL columns is at least this one's) / (1 +
  // all): the chance that any column without a difference is as low as alpha is
  // alpha (the single-step max-T of Westfall and Young 1993).
  std::vector<double> p;

  // That there is a difference in any column; 1 where there is no column.
  double least_p() const;
};

// Do sums of differences lie away from zero? One row to a cluster, which is
// turned round as a whole: where nothing differs, first and second of a pair
// could as well be the other way about. Flip q turns cluster c where bit c % 64
// of stream.bits(q * ceil(n / 64) + c / 64) is set. Runs on threads; what comes
// out does not depend on them. No variance counts as less than 1e-12 of the
// mean square.
SignFlipResult test_sign_flips(const ClusterMatrix& differences, int flips,
                               const RandomStream& stream);

}  // namespace lens::analysis::statistics
