#pragma once

#include <nlohmann/json.hpp>

#include "analysis/report/content.h"

namespace lens::analysis::report {

// The block of data that the page's script reads: scales and colours, the list
// of samples, samples token by token, pictures, the CSV of each figure.
nlohmann::json page_json(const ReportContent& content, const PagePlan& plan);

}  // namespace lens::analysis::report
