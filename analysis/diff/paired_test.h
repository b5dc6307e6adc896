#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "analysis/diff/paired_sample.h"
#include "analysis/statistics/study.h"

namespace lens::analysis::diff {

// A place of a curve at which the runs differ.
struct FoundLayer {
  int layer = 0;
  int script = -1;        // of a measure by script
  double difference = 0;  // mean over pairs, B less A
  double p = 1;           // corrected over all places of all tests

  bool operator==(const FoundLayer&) const = default;
};

// One hypothesis: that the two runs do not differ in a curve, or in the layer
// of onset or depth. Pictures are turned round (statistics/sign_flips.h).
struct PairedTest {
  Population population;
  // Null of onset and depth.
  const CurveMeasure* measure = nullptr;
  std::string key;    // that of the measure, "onset", "depth"
  std::string title;  // "entropy", "onset layer"
  std::int64_t pictures = 0;
  double mean_a = 0, mean_b = 0;  // of onset and depth, over pictures
  double t = 0;                   // the one of largest size
  int flips = 0;
  double p = 1;           // corrected over the places of the curve
  double p_adjusted = 1;  // Holm, over all tests
  bool significant = false;
  std::vector<FoundLayer> found;  // of a curve, rising
  std::string sentence;
};

// Tests every measure, onset and depth on each data set of at least
// options.least_group pictures. `datasets` hold pairs with tokens alone.
std::vector<PairedTest> test_pairs(
    std::span<const PairedSamples> datasets,
    std::span<const CurveMeasure* const> measures,
    std::span<const std::string> script_names,
    const statistics::StudyOptions& options);

}  // namespace lens::analysis::diff
