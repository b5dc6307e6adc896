#pragma once

#include <vector>

#include "analysis/statistics/study.h"

namespace lens::analysis::statistics {

// The questions asked of the lens, answered from the groups and tests of
// `study`, with numbers. Says so where there is too little data.
std::vector<Study::Answer> answer_questions(const Study& study);

}  // namespace lens::analysis::statistics
