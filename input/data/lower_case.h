#pragma once

#include <string>
#include <string_view>

namespace lens::data {

// Python's text.lower(): the full Unicode mapping of no particular language.
// Capital sigma depends on its neighbours and a dotted capital I gives two
// characters.
std::string lower_case(std::string_view text);

// As many code points as Python's text.upper() has.
std::size_t upper_case_length(std::string_view text);

}  // namespace lens::data
