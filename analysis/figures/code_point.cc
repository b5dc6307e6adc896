#include "analysis/figures/code_point.h"

#include <utf8proc.h>

#include "base/utf8.h"

namespace lens::analysis::figures {
namespace {

double ascii_width(char c) {
  constexpr std::string_view kThin = "iljI.,:;'|!`";
  constexpr std::string_view kNarrow = "frt()[]{}/\\-\" ";
  if (kThin.find(c) != std::string_view::npos) return 0.29;
  if (kNarrow.find(c) != std::string_view::npos) return 0.39;
  if (c == 'm' || c == 'M' || c == 'W' || c == '@' || c == '%') return 0.92;
  if (c == 'w' || (c >= 'A' && c <= 'Z')) return 0.68;
  return 0.6;
}

}  // namespace

CodePoint read_code_point(std::string_view text, std::size_t position) {
  const Utf8Step step = read_utf8(text, position);
  if (!step.valid)
    return {static_cast<unsigned char>(text[position]), 1, false};
  return {step.code_point, step.length, true};
}

bool is_combining(char32_t c) {
  const bool skin_tone = c >= 0x1f3fb && c <= 0x1f3ff;
  const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(c));
  return skin_tone || category == UTF8PROC_CATEGORY_MN ||
         category == UTF8PROC_CATEGORY_MC || category == UTF8PROC_CATEGORY_ME;
}

double em_width(char32_t c) {
  if (c < 0x80) return ascii_width(static_cast<char>(c));
  if (is_combining(c) || c == 0x200c || c == 0x200d) return 0;
  // Pictures that Unicode calls narrow are drawn as wide as the others.
  const bool picture = c >= 0x1f300 && c < 0x1fb00;
  if (picture || utf8proc_charwidth(static_cast<utf8proc_int32_t>(c)) == 2)
    return 1;
  if (strong_direction(c) == Direction::kRightToLeft) return 0.55;
  return c >= 0x2190 && c < 0x2c00 ? 0.9 : 0.62;
}

Direction strong_direction(char32_t c) {
  switch (utf8proc_get_property(static_cast<utf8proc_int32_t>(c))->bidi_class) {
    case UTF8PROC_BIDI_CLASS_L:
      return Direction::kLeftToRight;
    case UTF8PROC_BIDI_CLASS_R:
    case UTF8PROC_BIDI_CLASS_AL:
      return Direction::kRightToLeft;
    default:
      return Direction::kNone;
  }
}

}  // namespace lens::analysis::figures
