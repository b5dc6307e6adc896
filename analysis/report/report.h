#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/report/report_figure.h"
#include "analysis/source.h"
#include "analysis/statistics/study.h"

namespace lens::analysis::report {

struct ReportOptions {
  // Samples shown token by token, at most.
  std::size_t samples = 40;
  // The page stays below it: fewer samples are then shown, and it says so.
  std::size_t most_bytes = 5'000'000;
  double right_score = 0.9;  // SampleTableOptions::right_score
  statistics::StudyOptions study;
  std::string command_line;                        // for the footer
  std::string software_version;                    // for the footer
  std::function<void(std::string_view)> progress;  // what is done now
};

struct Report {
  std::string html;  // one file that needs no other
  std::vector<ReportFigure> figures;
  std::string study_json;
  std::size_t samples_shown = 0;   // token by token
  std::size_t samples_listed = 0;  // with their summary numbers
  std::size_t samples = 0;         // in the file
  // One sentence each: pictures that are missing, what the size left out.
  std::vector<std::string> notes;
};

// Everything about the results in one page: figures over all samples, a choice
// of them to look into, and pictures where the data sets are still there. The
// same source and options give the same text. Throws StorageError.
Report make_report(const Source& source, const ReportOptions& options = {});

}  // namespace lens::analysis::report
