#pragma once

#include <cstddef>
#include <string_view>

namespace lens::analysis::figures {

// Throws InputError, naming the figure and the list, where a list does not have
// the length that the others ask for.
void check_length(std::string_view figure, std::string_view list,
                  std::size_t length, std::size_t expected);

// Throws InputError where smallest < largest does not hold or one of them is
// not finite.
void check_range(std::string_view figure, double smallest, double largest);

}  // namespace lens::analysis::figures
