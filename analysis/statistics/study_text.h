#pragma once

#include <string>

#include "analysis/statistics/study.h"

namespace lens::analysis::statistics {

// For the terminal: the answers, then a table of the groups. Lines of at most
// 100 columns.
std::string study_text(const Study& study);

}  // namespace lens::analysis::statistics
