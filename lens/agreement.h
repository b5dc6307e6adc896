#pragma once

#include <string>

#include "lens/readout.h"

namespace lens::readout {

// Whether two backends read the same states alike: empty, or the first column
// that differs by more than rounding, in words. Floats may differ by
// 1e-4 + 2e-5 of the oracle's value (its sums run in another order; NaN never
// agrees), ranks by 1 + a thousandth (near-ties), ids not at all.
std::string disagreement(const Readout& readout, const Readout& oracle);

}  // namespace lens::readout
