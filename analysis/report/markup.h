#pragma once

#include <string>
#include <string_view>

namespace lens::analysis::report {

// Text for HTML, in elements and in quoted attributes.
std::string html_text(std::string_view text);

// JSON text that may stand in a <script> element: "<" only occurs in strings
// there and becomes \u003c, so that neither </script nor <!-- can end it.
std::string json_for_script(std::string_view json);

// `digits` significant digits for people; "–" for NaN.
std::string short_number(double value, int digits = 4);

}  // namespace lens::analysis::report
