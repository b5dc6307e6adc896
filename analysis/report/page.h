#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/report/content.h"

namespace lens::analysis::report {

// The whole HTML file: template, style, script, data. A Content-Security-Policy
// forbids the network and any script but ours, which it knows by its hash.
std::string render_page(const ReportContent& content, const PagePlan& plan);

// What a plan leaves out because of the page's size; empty where nothing.
std::vector<std::string> size_notes(const ReportContent& content,
                                    const PagePlan& plan);

// Puts values in place of @NAME@ in one pass: what a value holds is not looked
// at again. Names that `values` lacks stay as they are.
std::string fill_template(std::string_view text,
                          const std::map<std::string, std::string>& values);

}  // namespace lens::analysis::report
