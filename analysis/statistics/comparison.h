#pragma once

#include <span>
#include <vector>

#include "analysis/statistics/group.h"

namespace lens::analysis::statistics {

// Between each two data sets, and between the right and the wrong answers of
// each. Groups below options.least_group pictures are in none.
std::vector<Comparison> compare_groups(std::span<const GroupStudy> groups,
                                       int layers, const StudyOptions& options);

}  // namespace lens::analysis::statistics
