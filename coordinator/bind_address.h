#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace lens::coordinator {

struct BindAddress {
  std::string listen;     // host or address to listen at
  std::string advertise;  // how others reach it: into coordinator.json
  bool loopback = false;
};

// `bind` is an address, a host name of this machine, or the name of one of its
// network interfaces. INVALID_ARGUMENT where it is none of them.
absl::StatusOr<BindAddress> resolve_bind(const std::string& bind);

}  // namespace lens::coordinator
