#pragma once

#include <span>
#include <string>

#include "analysis/diff/run_diff.h"
#include "analysis/report/report_figure.h"

namespace lens::analysis::diff {

struct DiffPageOptions {
  std::string command_line;      // for the footer
  std::string software_version;  // for the footer
};

// One HTML file that needs no other and holds no script: what differs in the
// configurations, in words, figures, tests and answers. Text of the results is
// escaped.
std::string diff_page(const RunDiff& diff,
                      std::span<const report::ReportFigure> figures,
                      const DiffPageOptions& options = {});

}  // namespace lens::analysis::diff
