#pragma once

#include <string>

#include "analysis/diff/run_diff.h"

namespace lens::analysis::diff {

// All of it as JSON, numbers in full precision, NaN as null; docs/metrics.md
// has the schema.
std::string diff_json(const RunDiff& diff);

}  // namespace lens::analysis::diff
