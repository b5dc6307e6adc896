#pragma once

#include <span>
#include <vector>

#include "analysis/statistics/sample_set.h"
#include "analysis/statistics/study.h"

namespace lens::analysis::statistics {

// The tests of the study, each where there are pictures enough, corrected for
// their number and put in words. `groups` are the study's, for what the words
// say of them.
//
// Runs follow each other; each kind of test.h is asked within each run.
std::vector<Test> test_hypotheses(std::span<const SampleGroup> datasets,
                                  std::span<const Group> groups,
                                  const StudyOptions& options);

}  // namespace lens::analysis::statistics
