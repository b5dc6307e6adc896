#include "analysis/metrics/sample_group.h"

#include "analysis/metrics/language_script.h"

namespace lens::analysis::metrics {

std::string_view verdict_name(Verdict verdict) {
  switch (verdict) {
    case Verdict::kRight:
      return "right";
    case Verdict::kWrong:
      return "wrong";
    case Verdict::kUnknown:
      break;
  }
  return "";
}

std::string group_value(const SampleRow& row, GroupBy by) {
  switch (by) {
    case GroupBy::kDataset:
      return "";
    case GroupBy::kLanguage:
      return row.language;
    case GroupBy::kScript:
      return script_name_of_language(row.language);
    case GroupBy::kVerdict:
      return std::string(verdict_name(row.verdict));
  }
  return "";
}

}  // namespace lens::analysis::metrics
