#pragma once

#include <string>

#include "analysis/statistics/study.h"

namespace lens::analysis::statistics {

// All of it as JSON, numbers in full precision, NaN as null.
std::string study_json(const Study& study);

}  // namespace lens::analysis::statistics
