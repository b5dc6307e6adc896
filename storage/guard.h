#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace lens::storage {

struct GuardLimits {
  // Processor time, and time of the clock, that the child may spend within the
  // HDF5 library without a step (storage/hdf5/read_watch.h) before it counts as
  // hung. A step takes milliseconds; a slow disk or a stopped child takes no
  // processor time.
  std::chrono::milliseconds busy = std::chrono::seconds(5);
  // Memory that the child may take beyond what this process has now.
  std::uint64_t extra_bytes = std::uint64_t{8} << 30;
};

// For who reads `file`: memory grows with what a sound file can hold.
GuardLimits guard_limits(const std::filesystem::path& file);

struct GuardOutcome {
  std::vector<std::string> lines;  // what the child sent, in order
  std::string failure;             // how it ended; empty: well
  int signal = 0;                  // that it died of, unless it hung
};

// Sends one line to the parent.
using GuardSend = std::function<void(const std::string&)>;

// Runs `body` in a forked child, so that a library that crashes, loops or takes
// all memory over a damaged file harms nothing here. The child sees this
// process's memory as it was; what it changes is lost. Its descriptor 2 leads
// nowhere: what the C library says when it aborts is for no one. Signals that
// were ignored stay so, all others have their default. It dies with this
// process. No other thread may be inside HDF5 during the call: the child would
// inherit its lock. Throws StorageError only where no child can be made.
GuardOutcome run_guarded(const std::function<void(const GuardSend&)>& body,
                         const GuardLimits& limits = {});

}  // namespace lens::storage
