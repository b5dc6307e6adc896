#pragma once

#include <span>
#include <string>
#include <vector>

#include "analysis/diff/curve_measure.h"
#include "analysis/metrics/sample_table.h"
#include "analysis/population.h"

namespace lens::analysis::diff {

// One sample as both runs have it, over the tokens that are compared.
struct PairedSample {
  const metrics::SampleRow* a = nullptr;
  const metrics::SampleRow* b = nullptr;

  bool has_tokens() const { return a->tokens > 0 && b->tokens > 0; }
};

// The pairs of a population, picture by picture (of A) and in A's order.
struct PairedSamples {
  Population population;
  std::vector<PairedSample> pairs;
};

// The pairs of one picture, which depend on each other.
using PairedPicture = std::span<const PairedSample>;
std::vector<PairedPicture> pictures_of(const std::vector<PairedSample>& pairs);
std::vector<PairedPicture> pictures_of(std::vector<PairedSample>&&) = delete;

// Sorts the pairs of a data set by picture.
PairedSamples by_picture(const Population& dataset,
                         std::vector<PairedSample> pairs);

// The pairs that share a property: language and script are A's. Right and wrong
// are those that are so in both runs, never in one: whoever is right in A by
// luck is less often so in B, and samples chosen by A alone would differ though
// the runs do not.
std::vector<PairedSamples> groups_of(const PairedSamples& dataset, GroupBy by);

// The measures that all rows of both sides have, in one length.
std::vector<const CurveMeasure*> measures_of(
    std::span<const PairedSamples> datasets, bool same_vocabulary,
    bool same_scripts);

}  // namespace lens::analysis::diff
