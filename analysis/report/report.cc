#include "analysis/report/report.h"

#include <algorithm>

#include "analysis/report/content.h"
#include "analysis/report/page.h"

namespace lens::analysis::report {
namespace {

constexpr std::size_t kFewSamples = 12;
constexpr std::size_t kFewRows = 500;

// The next smaller page: texts of the list go first, then samples down to a
// dozen, rows, the rest of the samples. False where nothing is left.
bool shrink(PagePlan& plan) {
  const auto three_quarters = [](std::size_t n) { return n * 3 / 4; };
  if (plan.with_text) {
    plan.with_text = false;
  } else if (plan.shown > kFewSamples) {
    plan.shown = std::max(kFewSamples, three_quarters(plan.shown));
  } else if (plan.listed > kFewRows) {
    plan.listed = std::max(kFewRows, three_quarters(plan.listed));
  } else if (plan.shown > 0) {
    plan.shown = three_quarters(plan.shown);
  } else if (plan.listed > 0) {
    plan.listed = three_quarters(plan.listed);
  } else {
    return false;
  }
  return true;
}

}  // namespace

Report make_report(const Source& source, const ReportOptions& options) {
  ReportContent content = gather_content(source, options);
  PagePlan plan = {.shown = content.chosen.size(),
                   .listed = content.samples(),
                   .with_text = true};
  if (options.progress) options.progress("page");
  Report report;
  report.html = render_page(content, plan);
  while (report.html.size() > options.most_bytes && shrink(plan))
    report.html = render_page(content, plan);
  report.notes = content.notes;
  for (std::string& note : size_notes(content, plan))
    report.notes.push_back(std::move(note));
  report.samples_shown = plan.shown;
  report.samples_listed = plan.listed;
  report.samples = content.samples();
  report.figures = std::move(content.figures);
  report.study_json = std::move(content.study_json);
  return report;
}

}  // namespace lens::analysis::report
