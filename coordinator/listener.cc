#include "coordinator/listener.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

#include "coordinator/descriptor_limit.h"

namespace lens::coordinator {
namespace {

using std::chrono::milliseconds;

// For the ledger, its journal, the parts that are looked at.
constexpr std::uint64_t kReserve = 64;
constexpr milliseconds kNoRoomPause(10);
constexpr std::chrono::minutes kTellAgain(1);

using AddressList = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

absl::StatusOr<AddressList> resolve(const std::string& host, int port,
                                    int flags) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* list = nullptr;
  const int error =
      ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list);
  if (error == 0) return AddressList(list, &::freeaddrinfo);
  return absl::UnavailableError(error == EAI_SYSTEM ? std::strerror(errno)
                                                    : ::gai_strerror(error));
}

int port_of(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) !=
      0) {
    return 0;
  }
  return ntohs(address.ss_family == AF_INET6
                   ? reinterpret_cast<sockaddr_in6*>(&address)->sin6_port
                   : reinterpret_cast<sockaddr_in*>(&address)->sin_port);
}

void set_port(sockaddr* address, int port) {
  const auto number = htons(static_cast<std::uint16_t>(port));
  if (address->sa_family == AF_INET6) {
    reinterpret_cast<sockaddr_in6*>(address)->sin6_port = number;
  } else {
    reinterpret_cast<sockaddr_in*>(address)->sin_port = number;
  }
}

// A socket that listens at `address`; UNAVAILABLE otherwise. `v6_only`: leaves
// IPv4 to another socket.
absl::StatusOr<Descriptor> listen_at(const sockaddr* address, socklen_t size,
                                     int v6_only) {
  Descriptor socket(::socket(address->sa_family,
                             SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int on = 1;
  // Connections inherit TCP_NODELAY.
  const bool listens = socket.number() >= 0 &&
                       (address->sa_family != AF_INET6 ||
                        ::setsockopt(socket.number(), IPPROTO_IPV6, IPV6_V6ONLY,
                                     &v6_only, sizeof(v6_only)) == 0) &&
                       ::setsockopt(socket.number(), IPPROTO_TCP, TCP_NODELAY,
                                    &on, sizeof(on)) == 0 &&
                       ::bind(socket.number(), address, size) == 0 &&
                       ::listen(socket.number(), SOMAXCONN) == 0;
  if (!listens) return absl::UnavailableError(std::strerror(errno));
  return socket;
}

// Both families by one socket where the machine has IPv6.
absl::StatusOr<Descriptor> listen_everywhere() {
  sockaddr_in6 ipv6{};
  ipv6.sin6_family = AF_INET6;
  ipv6.sin6_addr = in6addr_any;
  auto socket = listen_at(reinterpret_cast<sockaddr*>(&ipv6), sizeof(ipv6), 0);
  if (socket.ok()) return socket;
  sockaddr_in ipv4{};
  ipv4.sin_family = AF_INET;
  ipv4.sin_addr.s_addr = htonl(INADDR_ANY);
  return listen_at(reinterpret_cast<sockaddr*>(&ipv4), sizeof(ipv4), 0);
}

absl::StatusOr<std::vector<Descriptor>> listen_at_all(const std::string& host) {
  std::vector<Descriptor> sockets;
  if (host == "0.0.0.0" || host == "::") {
    auto socket = listen_everywhere();
    if (!socket.ok()) return socket.status();
    sockets.push_back(*std::move(socket));
    return sockets;
  }
  const auto list = resolve(host, 0, AI_PASSIVE);
  if (!list.ok()) return list.status();
  absl::Status first_problem;
  for (addrinfo* entry = list->get(); entry != nullptr;
       entry = entry->ai_next) {
    if (!sockets.empty()) {
      // The first has taken any free port, and only one goes into the address
      // file.
      set_port(entry->ai_addr, port_of(sockets[0].number()));
    }
    auto socket = listen_at(entry->ai_addr, entry->ai_addrlen, 1);
    if (socket.ok()) {
      sockets.push_back(*std::move(socket));
    } else {
      first_problem.Update(socket.status());
    }
  }
  if (sockets.empty()) return first_problem;
  return sockets;
}

// Descriptors are handed out lowest first: a high one says that nearly all are
// taken.
bool is_of_the_reserve(int descriptor) {
  const std::uint64_t limit = descriptor_limit();
  const std::uint64_t reserve = std::min(kReserve, limit / 2);
  return static_cast<std::uint64_t>(descriptor) >= limit - reserve;
}

// What is wrong with the connection or the machine, not with the socket that
// listens.
bool is_for_want_of_room(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS ||
         error == ENOMEM;
}

}  // namespace

Descriptor::~Descriptor() {
  if (number_ >= 0) ::close(number_);
}

Descriptor::Descriptor(Descriptor&& other) noexcept
    : number_(other.release()) {}

int Descriptor::release() { return std::exchange(number_, -1); }

absl::StatusOr<std::unique_ptr<Listener>> Listener::open(Options options) {
  auto sockets = listen_at_all(options.host);
  if (!sockets.ok()) return sockets.status();
  Descriptor wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (wake.number() < 0) return absl::UnavailableError(std::strerror(errno));
  const int port = port_of(sockets->front().number());
  return std::unique_ptr<Listener>(new Listener(
      std::move(options), *std::move(sockets), port, std::move(wake)));
}

Listener::Listener(Options options, std::vector<Descriptor> sockets, int port,
                   Descriptor wake)
    : options_(std::move(options)),
      sockets_(std::move(sockets)),
      port_(port),
      wake_(std::move(wake)),
      told_(std::chrono::steady_clock::now() - kTellAgain) {}

Listener::~Listener() { stop(); }

void Listener::start(Take take) {
  take_ = std::move(take);
  thread_ = std::jthread(
      [this](std::stop_token stop) { accept_until_stopped(std::move(stop)); });
}

void Listener::stop() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  const std::uint64_t one = 1;
  // Cannot fail: the counter is far from its end.
  [[maybe_unused]] const auto written =
      ::write(wake_.number(), &one, sizeof(one));
  thread_.join();
}

void Listener::accept_until_stopped(std::stop_token stop) {
  std::vector<pollfd> watched;
  for (const Descriptor& socket : sockets_) {
    watched.push_back({.fd = socket.number(), .events = POLLIN, .revents = 0});
  }
  watched.push_back({.fd = wake_.number(), .events = POLLIN, .revents = 0});
  while (!stop.stop_requested()) {
    if (::poll(watched.data(), watched.size(), -1) < 0) continue;  // a signal
    // One connection of each; none of them blocks where there is none, and poll
    // tells at once of those that are left.
    for (const Descriptor& socket : sockets_) accept_from(socket.number());
  }
}

void Listener::accept_from(int listening) {
  Descriptor connection(
      ::accept4(listening, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (connection.number() < 0) {
    if (!is_for_want_of_room(errno)) return;  // gone again, or not this socket
    turned_away(std::strerror(errno));
  } else if (is_of_the_reserve(connection.number())) {
    turned_away("nearly all are taken by connections");
  } else {
    take_(listening, connection.release());
  }
}

// Room comes when handshakes of strangers time out.
void Listener::turned_away(const std::string& why) {
  const auto now = std::chrono::steady_clock::now();
  if (options_.log && now - told_ >= kTellAgain) {
    told_ = now;
    options_.log("a connection was turned away (" +
                 std::to_string(descriptor_limit()) +
                 " files may be open: " + why +
                 "); the run goes on; raise `ulimit -n` where workers do not "
                 "come in");
  }
  std::this_thread::sleep_for(kNoRoomPause);
}

absl::Status check_reachable(const std::string& host, int port,
                             milliseconds patience) {
  const auto list = resolve(host, port, 0);
  if (!list.ok()) return list.status();
  int error = 0;
  for (const addrinfo* entry = list->get(); entry != nullptr;
       entry = entry->ai_next) {
    const Descriptor socket(::socket(
        entry->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (socket.number() < 0) {
      error = errno;
      continue;
    }
    if (::connect(socket.number(), entry->ai_addr, entry->ai_addrlen) == 0) {
      return absl::OkStatus();
    }
    error = errno;
    if (error != EINPROGRESS) continue;
    pollfd watched{.fd = socket.number(), .events = POLLOUT, .revents = 0};
    // Unless poll and the socket say otherwise.
    error = ETIMEDOUT;
    socklen_t size = sizeof(error);
    if (::poll(&watched, 1, static_cast<int>(patience.count())) == 1 &&
        ::getsockopt(socket.number(), SOL_SOCKET, SO_ERROR, &error, &size) ==
            0 &&
        error == 0) {
      return absl::OkStatus();
    }
  }
  return absl::UnavailableError(std::strerror(error));
}

}  // namespace lens::coordinator
