#pragma once

#include <string>
#include <string_view>

namespace lens::analysis::view {

// Text in the columns of a terminal. A wide character (Han, Hangul, Kana, most
// emoji) takes two columns, a combining mark none. Where a terminal draws a
// character otherwise than Unicode says, the columns after it shift.

// `text` as one line that moves no cursor: line feed, carriage return and tab
// as U+21B5, U+240D and U+21E5; other control characters, bytes that are not
// UTF-8 and characters that change the direction as \xNN or \uNNNN.
std::string one_line_text(std::string_view text);

// The same for a token: its blanks are shown as U+2423.
std::string visible_token(std::string_view text);

// Columns that a text of the functions above takes.
int display_width(std::string_view text);

// `text` in exactly `width` columns: cut with an ellipsis or filled with
// blanks. A letter keeps its marks. Right-to-left text stands between
// directional isolates (U+2068, U+2069), so that it leaves the order of the
// columns as it is.
std::string fit(std::string_view text, int width);

// A share 0..1 as one of eight bars of rising height; "?" for NaN.
std::string share_bar(double share);

// `text` in lines of at most `width` columns, the second and later ones after
// `indent` blanks; broken at blanks where there are any.
std::string wrapped(std::string_view text, int width, int indent);

}  // namespace lens::analysis::view
