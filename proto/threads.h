#pragma once

#include <cstddef>

#include "absl/status/status.h"

namespace lens::proto {

// Whether the process may start `wanted` threads, all at a time. RESOURCE_
// EXHAUSTED, with the limits that stand against it. Asked before gRPC is, which
// without threads ends the process without a word, or never.
absl::Status check_threads(std::size_t wanted);

}  // namespace lens::proto
