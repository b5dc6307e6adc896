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
//   between data sets; between the languages, the scripts of the languages,
//   right and wrong answers of each data set; with image area, reference length
//   and answer length in each data set
std::vector<Test> test_hypotheses(std::span<const SampleGroup> datasets,
                                  std::span<const Group> groups,
                                  const StudyOptions& options);

}  // namespace lens::analysis::statistics
