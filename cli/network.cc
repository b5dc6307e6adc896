#include "cli/network.h"

#include <ifaddrs.h>
#include <net/if.h>

#include <cerrno>
#include <cstring>

namespace lens::cli {

std::string loopback_problem() {
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0)
    return std::string("the network interfaces cannot be read: ") +
           std::strerror(errno);
  bool found = false;
  bool up = false;
  for (const ifaddrs* at = list; at != nullptr; at = at->ifa_next) {
    if ((at->ifa_flags & IFF_LOOPBACK) == 0) continue;
    found = true;
    up |= (at->ifa_flags & IFF_UP) != 0;
  }
  freeifaddrs(list);
  if (!found) return "there is no loopback interface";
  return up ? "" : "the loopback interface is down";
}

}  // namespace lens::cli
