#include "analysis/report/markup.h"

#include <fmt/format.h>

#include <cmath>

#include "analysis/figures/display_text.h"

namespace lens::analysis::report {

std::string html_text(std::string_view text) { return figures::xml_text(text); }

std::string json_for_script(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  for (const char c : json)
    if (c == '<')
      out += "\\u003c";
    else
      out += c;
  return out;
}

std::string short_number(double value, int digits) {
  return std::isnan(value) ? "–" : fmt::format("{:.{}g}", value, digits);
}

}  // namespace lens::analysis::report
