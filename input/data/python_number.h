#pragma once

#include <optional>
#include <string_view>

namespace lens::data {

// The number that `text` is to Python's float(): decimal, with white space
// around it, a sign, underscores between digits, inf or nan; of a text that
// ends in % the number before it divided by 100. Nothing where it is none.
std::optional<double> python_number(std::string_view text);

}  // namespace lens::data
