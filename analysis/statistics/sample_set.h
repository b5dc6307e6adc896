#pragma once

#include <span>
#include <vector>

#include "analysis/metrics/sample_table.h"
#include "analysis/statistics/study.h"

namespace lens::analysis::statistics {

// Samples that enter statistics: ok and with an answer token.
using SampleRefs = std::vector<const metrics::SampleRow*>;

// The samples of a population, picture by picture and in the order of the file,
// whatever the order or number of the tables that they came in.
struct SampleGroup {
  Population population;
  SampleRefs rows;
};

// The data sets of each run, by their names, those that have such a sample. The
// tables outlive what is returned. Throws InputError where they differ in
// layers, script classes or onset rule.
std::vector<SampleGroup> samples_by_dataset(
    std::span<const metrics::SampleTable> tables,
    const metrics::OnsetRule& onset);

// The samples of a data set that share a property, by its value; those without
// one (no language, no score) are in none.
std::vector<SampleGroup> groups_of(const SampleGroup& dataset, GroupBy by);

// The samples of one picture, and those of each picture of `rows`, which stand
// picture by picture. The spans are of `rows`.
using Picture = std::span<const metrics::SampleRow* const>;
std::vector<Picture> pictures_of(const SampleRefs& rows);
std::vector<Picture> pictures_of(SampleRefs&& rows) = delete;

// Mean over the sample's tokens of their onset layer; NaN where none has one.
double mean_onset(const metrics::SampleRow& row);

}  // namespace lens::analysis::statistics
