#pragma once

#include <span>

namespace lens::analysis::statistics {

// The layer l >= 1 that cuts a curve in two, so that the squared distances of
// the values below l from their mean, and of the others from theirs, sum to the
// least; the first such l. kNoLayer below two values.
int change_point(std::span<const double> curve);

}  // namespace lens::analysis::statistics
