#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "analysis/diff/paired_sample.h"
#include "analysis/statistics/study.h"

namespace lens::analysis::diff {

// Means of both runs over the same pairs, and B less A, which has its own band:
// a resample draws a picture for both runs at once.
struct PairedCurve {
  const CurveMeasure* measure = nullptr;
  statistics::Curve a, b, difference;  // as long as the measure's curve
};

struct PairedNumber {
  statistics::LayerEstimate a, b, difference;  // no counts
};

// What is known of one population of pairs.
struct PairedGroup {
  Population population;
  std::int64_t pictures = 0;
  std::int64_t pairs = 0;   // with a token that is compared
  std::int64_t tokens = 0;  // compared, of either run

  std::vector<PairedCurve> curves;
  // As those of lens stats, over the tokens that are compared.
  PairedNumber onset_of_mean, onset_of_tokens, depth_of_tokens,
      first_hit_of_tokens;
  PairedNumber score;  // mean over the pairs that have one in both
};

// `samples` are pairs that all have tokens, at least one. Draws the pictures
// that lens stats draws for this population.
PairedGroup study_pairs(const PairedSamples& samples,
                        std::span<const CurveMeasure* const> measures,
                        const statistics::StudyOptions& options);

}  // namespace lens::analysis::diff
