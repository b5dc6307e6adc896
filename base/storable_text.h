#pragma once

#include <string>
#include <string_view>

namespace lens {

// `text` as it can be stored: valid UTF-8 without NUL. A NUL and every byte
// that is no part of valid UTF-8 becomes the four characters \xNN. Applying it
// twice changes nothing more.
std::string storable_text(std::string_view text);

}  // namespace lens
