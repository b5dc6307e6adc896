#pragma once

#include <cstddef>
#include <string>
#include <system_error>

#include "absl/status/status.h"

namespace lens::proto {

// Whether the process may start `wanted` threads, all at a time. RESOURCE_
// EXHAUSTED, with the limits that stand against it. Asked before gRPC is, which
// without threads ends the process without a word, or never.
absl::Status check_threads(std::size_t wanted);

// One line for a process that met the limit later, where `code` is of a thread
// that was refused; empty for other codes.
std::string refused_thread(const std::error_code& code);

}  // namespace lens::proto
