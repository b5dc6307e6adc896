#pragma once

#include <span>
#include <string>

#include "analysis/diff/run_diff.h"
#include "analysis/report/report_figure.h"

namespace lens::analysis::diff {

// Pieces of the page as HTML. Text of the results is escaped; text that may run
// right to left stands in <bdi> or has dir="auto".

std::string settings_html(const RunDiff& diff);  // and which runs they are
std::string differences_html(const RunDiff& diff);
std::string figures_html(std::span<const report::ReportFigure> figures);
std::string groups_html(const RunDiff& diff);
std::string tests_html(const RunDiff& diff);
std::string answers_html(const RunDiff& diff);
std::string pairing_html(const RunDiff& diff);

}  // namespace lens::analysis::diff
