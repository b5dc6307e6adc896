#include "input/data/lower_case.h"

#include <unicode/locid.h>
#include <unicode/unistr.h>

namespace lens::data {

std::string lower_case(std::string_view text) {
  icu::UnicodeString lower = icu::UnicodeString::fromUTF8(
      {text.data(), static_cast<std::int32_t>(text.size())});
  lower.toLower(icu::Locale::getRoot());
  std::string out;
  lower.toUTF8String(out);
  return out;
}

std::size_t upper_case_length(std::string_view text) {
  icu::UnicodeString upper = icu::UnicodeString::fromUTF8(
      {text.data(), static_cast<std::int32_t>(text.size())});
  upper.toUpper(icu::Locale::getRoot());
  return static_cast<std::size_t>(upper.countChar32());
}

}  // namespace lens::data
