#pragma once

#include <vector>

#include "analysis/diff/run_diff.h"
#include "analysis/report/report_figure.h"

namespace lens::analysis::diff {

// A figure to each curve of each data set: A, B, and their difference with its
// band below. A measure by script has one for each of the scripts that differ
// most, at most three. Where there are languages, the differences of entropy by
// language.
std::vector<report::ReportFigure> diff_figures(const RunDiff& diff);

}  // namespace lens::analysis::diff
