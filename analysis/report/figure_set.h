#pragma once

#include <span>
#include <string>
#include <vector>

#include "analysis/metrics/sample_table.h"
#include "analysis/statistics/study.h"

namespace lens::analysis::report {

// One figure of a report with the numbers it shows.
struct ReportFigure {
  std::string id;  // a file name without its ending: "entropy-mtvqa"
  std::string title;
  std::string caption;  // what to look at and how it was made
  std::string svg;
  std::string csv;  // analysis/figures/figure_csv.h
};

// All figures of a study that have data, in the order of a report.
// `largest_entropy` is ln V, the end of the entropy scale.
std::vector<ReportFigure> make_figures(
    const statistics::Study& study,
    std::span<const metrics::SampleTable> tables, double largest_entropy);

}  // namespace lens::analysis::report
