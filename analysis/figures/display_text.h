#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lens::analysis::figures {

// A token shows its white space as marks; prose keeps its blanks.
enum class TextKind { kToken, kProse };

// `text` as it can be drawn: valid UTF-8 of characters that XML 1.0 holds.
//   bytes that are not UTF-8, control characters, U+FFFE and U+FFFF   \xNN
//   invisible and direction-changing characters                       \uNNNN
//   line feed, carriage return, tab                      U+21B5, U+240D, U+21E5
//   a combining mark at the start                  stands on a dotted circle
//   blanks, in a token                                                  U+2423
// Not escaped for XML: see xml_text().
std::string visible_text(std::string_view text, TextKind kind);

// Estimated width of what visible_text() gave, in em of a sans-serif face. Real
// faces differ by some percent.
double text_width(std::string_view visible);

// At most `width_em` wide: the start of `visible` and an ellipsis where it is
// longer. Letters keep their marks.
std::string shorten(std::string_view visible, double width_em);

// Lines of at most `width_em`, broken at blanks, or anywhere where a word alone
// is wider; what exceeds `most_lines` is cut with an ellipsis.
std::vector<std::string> wrap(std::string_view visible, double width_em,
                              int most_lines);

// Whether the first letter with a direction is of a right-to-left script.
bool right_to_left(std::string_view visible);

// & < > " ' as entities.
std::string xml_text(std::string_view visible);

}  // namespace lens::analysis::figures
