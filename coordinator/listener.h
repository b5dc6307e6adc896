#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace lens::coordinator {

// An open file descriptor.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept;
  Descriptor& operator=(Descriptor&&) = delete;
  int number() const { return number_; }
  // The caller closes it.
  int release();

 private:
  int number_;
};

// Accepts connections on a thread of its own. Not left to gRPC: version 1.51
// stops listening for ever when it finds no free descriptor for a connection.
//
// Connections never take the last descriptors of the process: the run's own
// files need some. Those that come when there is no room are closed; their
// clients try again.
class Listener {
 public:
  struct Options {
    std::string host;  // name or address of this machine
    // Told, at most once a minute, that connections are turned away.
    std::function<void(const std::string&)> log = {};
  };
  // Takes a connection over, and its descriptor with it. `listening` stays the
  // listener's.
  using Take = std::function<void(int listening, int connection)>;

  // Listens, at one free port, at every address of the host; all zeros: at
  // every address of the machine. UNAVAILABLE: none can be listened at.
  static absl::StatusOr<std::unique_ptr<Listener>> open(Options options);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  int port() const { return port_; }
  // To be called once. What has knocked before is accepted now.
  void start(Take take);
  // No `take` is called after this.
  void stop();

 private:
  Listener(Options options, std::vector<Descriptor> sockets, int port,
           Descriptor wake);
  void accept_until_stopped(std::stop_token stop);
  void accept_from(int listening);
  void turned_away(const std::string& why);

  const Options options_;
  const std::vector<Descriptor> sockets_;
  const int port_;
  const Descriptor wake_;  // becomes readable when the thread is to end
  Take take_;
  std::chrono::steady_clock::time_point told_;  // of the thread
  std::jthread thread_;
};

// Whether a TCP connection to there can be made within `patience`. UNAVAILABLE
// with the system's reason in brackets.
absl::Status check_reachable(const std::string& host, int port,
                             std::chrono::milliseconds patience);

}  // namespace lens::coordinator
