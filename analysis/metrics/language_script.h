#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lens::analysis::metrics {

// The classes of /script in which a language, by its two-letter code in any
// case, is written. Empty where we do not know.
std::vector<std::string> scripts_of_language(std::string_view language);

// The same as one name: "Cyrillic", "Kana and Han". "" where we do not know.
std::string script_name_of_language(std::string_view language);

}  // namespace lens::analysis::metrics
