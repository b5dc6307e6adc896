#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lens {

// Names one process beyond its pid, which containers share and kernels give out
// again.
struct ProcessId {
  // The boot and the PID name space in which `pid` means something; empty where
  // the system does not say.
  std::string space;
  int pid = 0;
  std::uint64_t start_time = 0;  // clock ticks since the boot

  static ProcessId self();

  bool operator==(const ProcessId&) const = default;
};

// Whether the process is known to be no more. Of another host, another boot or
// another name space nothing is known; neither of an empty space.
bool has_ended(const ProcessId& process);

// Field `field` (from 3, numbers alone) of /proc/PID/stat as proc(5) counts
// them; nothing where the process is not to be seen.
std::optional<std::uint64_t> stat_field(int pid, int field);

// "PID START SPACE"; the text reaches disk and wire: it must not change.
std::string to_text(const ProcessId& process);
// An unknown process where the text is none.
ProcessId process_from_text(std::string_view text);

}  // namespace lens
