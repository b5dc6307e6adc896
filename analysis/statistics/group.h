#pragma once

#include <vector>

#include "analysis/statistics/sample_set.h"
#include "analysis/statistics/study.h"

namespace lens::analysis::statistics {

struct GroupStudy {
  Group group;
  SampleRefs rows;  // the group's samples, as sample_set.h orders them
  // Mean entropy of each resample, [resample, layer]; empty where the group has
  // no interval.
  std::vector<double> resampled_entropy;
};

// Everything that is known of one group. `samples` is not empty.
GroupStudy study_group(const SampleGroup& samples, int layers, int scripts,
                       const StudyOptions& options);

// Layer of a curve; NaN for kNoLayer.
double layer_number(int layer);

}  // namespace lens::analysis::statistics
