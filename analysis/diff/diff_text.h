#pragma once

#include <cstddef>
#include <string>

#include "analysis/diff/run_diff.h"

namespace lens::analysis::diff {

struct DiffTextOptions {
  bool colour = false;
  int width = 100;         // columns, at least 40
  std::size_t opened = 3;  // changed answers shown by layer, at most
};

// For the terminal: what differs in the configurations, in the results, a table
// of the groups, the answers that changed.
std::string diff_text(const RunDiff& diff, const DiffTextOptions& options);

}  // namespace lens::analysis::diff
