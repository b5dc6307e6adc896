#pragma once

#include <string>
#include <string_view>

namespace lens::text {

// Canonical composition (NFC) as the reference tokenizer computes it, which is
// Unicode 9.0's: marks and pairs that came later are left where they are.
// `utf8` must be valid UTF-8.
std::string to_nfc(std::string_view utf8);

}  // namespace lens::text
