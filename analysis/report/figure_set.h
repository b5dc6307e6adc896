#pragma once

#include <span>
#include <vector>

#include "analysis/metrics/sample_table.h"
#include "analysis/report/report_figure.h"
#include "analysis/statistics/study.h"

namespace lens::analysis::report {

// All figures of a study that have data, in the order of a report: those that
// hold the data sets of all runs against each other, then those of each.
// `largest_entropy` is ln V, the end of the entropy scale.
std::vector<ReportFigure> make_figures(
    const statistics::Study& study,
    std::span<const metrics::SampleTable> tables, double largest_entropy);

}  // namespace lens::analysis::report
