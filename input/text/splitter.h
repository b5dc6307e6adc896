#pragma once

#include <string_view>
#include <vector>

namespace lens::text {

// The pieces of valid UTF-8 text that Qwen2's pattern matches, which together
// are the whole text. BPE never merges across a piece's ends. The pattern:
//
//   (?i:'s|'t|'re|'ve|'m|'ll|'d) | [^\r\n\p{L}\p{N}]?\p{L}+ | \p{N}
//   | ?[^\s\p{L}\p{N}]+[\r\n]* | \s*[\r\n]+ | \s+(?!\S) | \s+
//
// (the fourth alternative starts with an optional space). The first alternative
// that matches wins. The pieces point into `utf8`.
std::vector<std::string_view> split_pieces(std::string_view utf8);

}  // namespace lens::text
