#pragma once

#include <string_view>
#include <vector>

namespace lens::analysis::view {

// States chosen by text: "all", or numbers with commas between. A negative
// number counts from the end (-1: the last state). "0,4,8.." goes on by the
// last step to the end, "10..20" is all between. Rising, without repetition.
// Throws InputError: no such state, or not understood.
std::vector<int> parse_layers(std::string_view text, int layers);

}  // namespace lens::analysis::view
