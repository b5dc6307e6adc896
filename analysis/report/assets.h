#pragma once

#include <string_view>

namespace lens::analysis::report {

// The files of analysis/report/page/, built into the library.
std::string_view page_template();
std::string_view page_style();
std::string_view page_script();

}  // namespace lens::analysis::report
