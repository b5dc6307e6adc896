#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace lens::storage {

struct GuardLimits {
  // Longest silence of the child before it counts as hung.
  std::chrono::milliseconds silence = std::chrono::minutes(2);
  // Memory that the child may take beyond what this process has now.
  std::uint64_t extra_bytes = std::uint64_t{4} << 30;
};

struct GuardOutcome {
  std::vector<std::string> lines;  // what the child sent, in order
  std::string failure;             // how it ended; empty: well
};

// Sends one line to the parent; an empty one only says that all is well.
using GuardSend = std::function<void(const std::string&)>;

// Runs `body` in a forked child, so that a library that crashes, loops or takes
// all memory over a damaged file harms nothing here. The child sees this
// process's memory as it was; what it changes is lost. No other thread may be
// inside HDF5 during the call: the child would inherit its lock. Throws
// StorageError only where no child can be made.
GuardOutcome run_guarded(const std::function<void(const GuardSend&)>& body,
                         const GuardLimits& limits = {});

}  // namespace lens::storage
