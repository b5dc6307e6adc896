#pragma once

#include <string>
#include <vector>

#include "analysis/report/content.h"

namespace lens::analysis::report {

// Pieces of the page as HTML. Text of the results is escaped; text that may run
// right to left stands in <bdi> or has dir="auto".

std::string title_text(const ReportContent& content);  // escaped, no tags
std::string facts_html(const ReportContent& content);  // one paragraph
std::string notes_html(const std::vector<std::string>& notes);
std::string provenance_html(const ReportContent& content);
std::string answers_html(const statistics::Study& study);
std::string figures_html(const std::vector<ReportFigure>& figures);
std::string tests_html(const statistics::Study& study);
std::string choice_html(const ReportContent& content, const PagePlan& plan);
std::string failures_html(const ReportContent& content);
std::string footer_html(const ReportContent& content);

}  // namespace lens::analysis::report
