#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "analysis/metrics/sample_table.h"
#include "analysis/report/report.h"
#include "analysis/report/sample_choice.h"
#include "analysis/report/sample_data.h"
#include "analysis/report/table_data.h"
#include "analysis/source.h"
#include "analysis/statistics/study.h"

namespace lens::analysis::report {

// All that a page may show, before its size is known.
struct ReportContent {
  const Source* source = nullptr;
  const ReportOptions* options = nullptr;
  double largest_entropy = 0;  // ln V
  std::vector<metrics::SampleTable> tables;
  std::vector<SampleTexts> texts;  // one a table
  statistics::Study study;
  std::string study_json;
  std::vector<ReportFigure> figures;
  std::vector<SampleKey> chosen;      // in the order of choice
  std::vector<SampleDetail> details;  // one a chosen sample
  std::vector<std::string> notes;     // about pictures

  std::size_t samples() const {
    std::size_t count = 0;
    for (const metrics::SampleTable& table : tables) count += table.rows.size();
    return count;
  }
};

// How much of it one page has.
struct PagePlan {
  std::size_t shown = 0;   // of `chosen`, from the front
  std::size_t listed = 0;  // rows of the list of samples
  bool with_text = true;   // references and answers in that list

  bool operator==(const PagePlan&) const = default;
};

ReportContent gather_content(const Source& source,
                             const ReportOptions& options);

}  // namespace lens::analysis::report
