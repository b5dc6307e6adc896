#pragma once

#include <cstdint>

#include "absl/status/status.h"

namespace lens::coordinator {

// Raises the number of files that the process may have open to what it is
// allowed, up to a number that is plenty.
void raise_descriptor_limit();

// How many files may be open, up to the same number.
std::uint64_t descriptor_limit();

// Whether the process may start the threads that a server takes. RESOURCE_
// EXHAUSTED, with the limits that stand against it: where gRPC finds one in its
// way it ends the process without a word.
absl::Status check_threads();

}  // namespace lens::coordinator
