#include "coordinator/bind_address.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <climits>
#include <memory>
#include <optional>

#include "proto/address.h"

namespace lens::coordinator {
namespace {

std::string numeric(const sockaddr* address, socklen_t size) {
  char host[NI_MAXHOST] = "";
  if (::getnameinfo(address, size, host, sizeof(host), nullptr, 0,
                    NI_NUMERICHOST) != 0) {
    return "";
  }
  return host;
}

// The IPv4 address of an interface, or its IPv6 address where it has no other.
std::optional<std::string> address_of_interface(const std::string& name) {
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return std::nullopt;
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(
      list, &::freeifaddrs);
  std::optional<std::string> ipv6;
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr || name != entry->ifa_name) continue;
    if (entry->ifa_addr->sa_family == AF_INET) {
      return numeric(entry->ifa_addr, sizeof(sockaddr_in));
    }
    if (entry->ifa_addr->sa_family == AF_INET6 && !ipv6) {
      ipv6 = numeric(entry->ifa_addr, sizeof(sockaddr_in6));
    }
  }
  return ipv6;
}

std::optional<std::string> address_of_host(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  if (::getaddrinfo(host.c_str(), nullptr, &hints, &list) != 0) {
    return std::nullopt;
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(
      list, &::freeaddrinfo);
  return numeric(list->ai_addr, list->ai_addrlen);
}

std::string host_name() {
  char name[HOST_NAME_MAX + 1] = "";
  ::gethostname(name, sizeof(name) - 1);
  return name;
}

}  // namespace

absl::StatusOr<BindAddress> resolve_bind(const std::string& bind) {
  if (const auto address = address_of_interface(bind)) {
    return BindAddress{*address, *address, proto::is_loopback(*address)};
  }
  const auto address = address_of_host(bind);
  if (!address) {
    return absl::InvalidArgumentError(
        "cannot bind to " + bind +
        " (no host, address or network interface of this machine; `ip address` "
        "lists them)");
  }
  // In numbers: clients without TLS believe no name.
  if (proto::is_loopback(*address)) {
    return BindAddress{*address, *address, true};
  }
  const bool everywhere = *address == "0.0.0.0" || *address == "::";
  return BindAddress{bind, everywhere ? host_name() : bind, false};
}

}  // namespace lens::coordinator
