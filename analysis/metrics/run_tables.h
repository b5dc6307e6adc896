#pragma once

#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "analysis/metrics/sample_table.h"
#include "analysis/source.h"

namespace lens::analysis::metrics {

// The tables of all data sets of one run or several, run after run: what a
// study takes. `tell` hears what is read. Throws InputError where two runs have
// one name: their samples could not be told apart; StorageError.
std::vector<SampleTable> read_tables(
    std::span<const Source> runs, const SampleTableOptions& options = {},
    const std::function<void(std::string_view)>& tell = {});

}  // namespace lens::analysis::metrics
