#pragma once

#include <string>
#include <vector>

namespace lens::analysis::planted {

// Names of /script, in file order.
const std::vector<std::string>& script_names();
int script_index(const std::string& name);

// Ids of one class are script + k * script_count, so a class is quickly drawn
// from. Id kEndToken is "<|im_end|>".
inline constexpr int kScriptCount = 14;
inline constexpr int kEndToken = 12;
int script_size(int script, int vocabulary);
std::string token_text(int id);

}  // namespace lens::analysis::planted
