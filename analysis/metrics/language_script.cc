#include "analysis/metrics/language_script.h"

#include <algorithm>
#include <cctype>
#include <map>

namespace lens::analysis::metrics {

std::vector<std::string> scripts_of_language(std::string_view language) {
  using Names = std::vector<std::string>;
  static const std::map<std::string, Names> kWritten = {
      {"AR", {"Arabic"}},   {"DE", {"Latin"}},       {"EN", {"Latin"}},
      {"ES", {"Latin"}},    {"FA", {"Arabic"}},      {"FR", {"Latin"}},
      {"IT", {"Latin"}},    {"JA", {"Kana", "Han"}}, {"JP", {"Kana", "Han"}},
      {"KO", {"Hangul"}},   {"KR", {"Hangul"}},      {"PT", {"Latin"}},
      {"RU", {"Cyrillic"}}, {"TH", {"Thai"}},        {"VI", {"Latin"}},
      {"ZH", {"Han"}}};
  std::string code(language);
  std::transform(code.begin(), code.end(), code.begin(), [](unsigned char c) {
    return static_cast<char>(std::toupper(c));
  });
  const auto found = kWritten.find(code);
  return found == kWritten.end() ? Names{} : found->second;
}

std::string script_name_of_language(std::string_view language) {
  std::string name;
  for (const std::string& script : scripts_of_language(language))
    name += (name.empty() ? "" : " and ") + script;
  return name;
}

}  // namespace lens::analysis::metrics
