#pragma once

#include <string>

namespace lens::analysis::report {

// One figure of a report with the numbers it shows. Who draws it also writes
// what stands below it.
struct ReportFigure {
  std::string id;  // a file name without its ending: "entropy-mtvqa"
  std::string title;
  std::string caption;  // what to look at and how it was made
  std::string svg;
  std::string csv;  // analysis/figures/figure_csv.h
};

}  // namespace lens::analysis::report
