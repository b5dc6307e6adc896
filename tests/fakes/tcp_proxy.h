#pragma once

#include <poll.h>

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "coordinator/listener.h"

namespace lens::fakes {

// A network between two programs of this host: forwards TCP connections to a
// port of the loopback interface, until it is told to be a worse one. What is
// told holds when the call returns.
class TcpProxy {
 public:
  explicit TcpProxy(int target_port);
  ~TcpProxy();
  TcpProxy(const TcpProxy&) = delete;
  TcpProxy& operator=(const TcpProxy&) = delete;

  int port() const { return port_; }
  int connections() const;  // made so far

  // Forwards, and takes new connections.
  void pass();
  // Ends all connections and refuses new ones.
  void refuse();
  // Keeps connections open and takes new ones, but forwards nothing.
  void stall();
  // Those that are open stay so and carry nothing any more, as when a host
  // vanishes; new ones are served.
  void forget();
  // New connections carry nothing for so long.
  void delay(std::chrono::milliseconds time);

 private:
  struct Pair;
  void forward_until_stopped(const std::stop_token& stop);
  void listen();
  std::vector<pollfd> watched() const;
  void accept();
  static bool forward(int from, int to);

  const int target_port_;
  int port_ = 0;
  mutable std::mutex mutex_;
  std::unique_ptr<coordinator::Descriptor> listening_;  // guarded by mutex_
  std::vector<Pair> pairs_;                             // guarded by mutex_
  bool stalled_ = false;                                // guarded by mutex_
  std::chrono::milliseconds delay_{0};                  // guarded by mutex_
  int connections_ = 0;                                 // guarded by mutex_
  std::jthread thread_;
};

}  // namespace lens::fakes
