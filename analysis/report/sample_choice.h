#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "analysis/metrics/sample_table.h"

namespace lens::analysis::report {

// One sample of the tables handed over.
struct SampleKey {
  std::size_t table = 0;
  std::size_t row = 0;

  bool operator==(const SampleKey&) const = default;
};

// Which samples a report shows token by token: at most `count`, the most
// telling ones first, so that a shorter list is a prefix of a longer one. Only
// samples with answer tokens are chosen.
//
// The data sets take turns. Each first gives its extremes (earliest and latest
// onset, lowest and highest entropy at the last state, longest answer), then
// its languages x right/wrong take turns; within one of these samples come by
// entropy at the last state: lowest, highest, the middle, the quarters and so
// on. Ties go to the earlier sample. Deterministic.
std::vector<SampleKey> choose_samples(
    std::span<const metrics::SampleTable> tables, std::size_t count);

// What the above says, for the reader of a report.
std::string choice_sentence();

// Positions 0 .. size-1 in the order 0, size-1, the middle, the quarters ...
std::vector<std::size_t> spread_order(std::size_t size);

}  // namespace lens::analysis::report
