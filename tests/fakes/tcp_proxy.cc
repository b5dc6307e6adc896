#include "tests/fakes/tcp_proxy.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <array>
#include <stdexcept>

namespace lens::fakes {
namespace {

using coordinator::Descriptor;
using std::chrono::steady_clock;

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

Descriptor new_socket() {
  return Descriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

}  // namespace

struct TcpProxy::Pair {
  Descriptor client;
  Descriptor target;
  steady_clock::time_point silent_until;
  bool forgotten = false;
};

TcpProxy::TcpProxy(int target_port) : target_port_(target_port) {
  listen();
  thread_ = std::jthread([this](const std::stop_token& stop) {  //
    forward_until_stopped(stop);
  });
}

TcpProxy::~TcpProxy() = default;

int TcpProxy::connections() const {
  const std::lock_guard lock(mutex_);
  return connections_;
}

void TcpProxy::pass() {
  const std::lock_guard lock(mutex_);
  stalled_ = false;
  if (!listening_) listen();
}

void TcpProxy::refuse() {
  const std::lock_guard lock(mutex_);
  listening_.reset();
  pairs_.clear();
}

void TcpProxy::stall() {
  const std::lock_guard lock(mutex_);
  stalled_ = true;
}

void TcpProxy::forget() {
  const std::lock_guard lock(mutex_);
  for (Pair& pair : pairs_) pair.forgotten = true;
}

void TcpProxy::delay(std::chrono::milliseconds time) {
  const std::lock_guard lock(mutex_);
  delay_ = time;
}

void TcpProxy::listen() {
  auto socket = std::make_unique<Descriptor>(new_socket());
  const int on = 1;
  ::setsockopt(socket->number(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in address = loopback(port_);
  socklen_t size = sizeof(address);
  auto* const raw = reinterpret_cast<sockaddr*>(&address);
  if (::bind(socket->number(), raw, size) != 0 ||
      ::listen(socket->number(), SOMAXCONN) != 0 ||
      ::getsockname(socket->number(), raw, &size) != 0) {
    throw std::runtime_error("the proxy cannot listen");
  }
  port_ = ntohs(address.sin_port);
  listening_ = std::move(socket);
}

// The listener, then both ends of each pair.
std::vector<pollfd> TcpProxy::watched() const {
  std::vector<pollfd> all;
  const auto watch = [&](int descriptor) {
    all.push_back({.fd = descriptor, .events = POLLIN, .revents = 0});
  };
  watch(listening_ ? listening_->number() : -1);
  const auto now = steady_clock::now();
  for (const Pair& pair : pairs_) {
    const bool silent = stalled_ || pair.forgotten || now < pair.silent_until;
    watch(silent ? -1 : pair.client.number());
    watch(silent ? -1 : pair.target.number());
  }
  return all;
}

void TcpProxy::forward_until_stopped(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    {
      // Not waited for under the lock: only looked at.
      const std::lock_guard lock(mutex_);
      std::vector<pollfd> ready = watched();
      ::poll(ready.data(), ready.size(), 0);
      std::vector<Pair> kept;
      for (std::size_t i = 0; i < pairs_.size(); ++i) {
        const int client = pairs_[i].client.number();
        const int target = pairs_[i].target.number();
        const bool alive =
            (ready[2 * i + 1].revents == 0 || forward(client, target)) &&
            (ready[2 * i + 2].revents == 0 || forward(target, client));
        if (alive) kept.push_back(std::move(pairs_[i]));
      }
      pairs_ = std::move(kept);
      if (ready[0].revents != 0) accept();
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

void TcpProxy::accept() {
  Descriptor client(
      ::accept4(listening_->number(), nullptr, nullptr, SOCK_CLOEXEC));
  Descriptor target = new_socket();
  const sockaddr_in address = loopback(target_port_);
  if (client.number() < 0 ||
      ::connect(target.number(), reinterpret_cast<const sockaddr*>(&address),
                sizeof(address)) != 0) {
    return;
  }
  ++connections_;
  pairs_.push_back(
      {std::move(client), std::move(target), steady_clock::now() + delay_});
}

// False at the end of the connection.
bool TcpProxy::forward(int from, int to) {
  std::array<char, 65536> bytes;
  const ssize_t size = ::recv(from, bytes.data(), bytes.size(), 0);
  if (size <= 0) return false;
  for (ssize_t sent = 0; sent < size;) {
    const ssize_t more =
        ::send(to, bytes.data() + sent, static_cast<std::size_t>(size - sent),
               MSG_NOSIGNAL);
    if (more <= 0) return false;
    sent += more;
  }
  return true;
}

}  // namespace lens::fakes
