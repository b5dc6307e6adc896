#pragma once

#include <cstdint>

namespace lens::coordinator {

// Raises the number of files that the process may have open to what it is
// allowed, up to a number that is plenty.
void raise_descriptor_limit();

// How many files may be open, up to the same number.
std::uint64_t descriptor_limit();

}  // namespace lens::coordinator
