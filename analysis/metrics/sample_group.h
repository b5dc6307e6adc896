#pragma once

#include <string>
#include <string_view>

#include "analysis/metrics/sample_row.h"
#include "analysis/population.h"

namespace lens::analysis::metrics {

// "right", "wrong", "" where not known.
std::string_view verdict_name(Verdict verdict);

// The value of the group that a sample is in: its language, the script of that,
// its verdict. "" where it is in none, and for its data set.
std::string group_value(const SampleRow& row, GroupBy by);

}  // namespace lens::analysis::metrics
