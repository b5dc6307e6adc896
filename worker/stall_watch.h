#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <stop_token>
#include <thread>

#include "worker/crash_watch.h"

namespace lens::worker {

// Decides that work hangs: nothing is told of it for `limit`, or for 20 times
// the longest that a step of its stage took so far, whichever is more. Where no
// step was seen yet nobody knows the pace, and six limits are waited. While
// images are read the rows that they are of only wait for them. Pure: is told
// what is in work and how much time has passed.
class StallJudge {
 public:
  using Duration = std::chrono::milliseconds;

  explicit StallJudge(Duration limit) : limit_(limit) {}

  struct Stalled {
    std::uint64_t id = 0;
    Duration idle{0};
  };
  // The first that hangs. `elapsed` since the last call.
  std::optional<Stalled> look(std::span<const InWork> work, Duration elapsed);

 private:
  struct Known {
    Stage stage{};
    std::uint64_t steps = 0;
    Duration idle{0};
  };
  Duration limit_of(Stage stage) const;
  void stepped(const Known& known);

  const Duration limit_;
  std::map<std::uint64_t, Known> known_;
  // Longest step seen, by stage; nothing where none was.
  std::array<std::optional<Duration>, storage::kStages> longest_;
};

// Ends the process where its work hangs, with a crash note (end_stalled). A
// thread of its own; time during which the whole process stood still does not
// count.
class StallWatch {
 public:
  explicit StallWatch(std::chrono::milliseconds limit);

 private:
  void watch(const std::stop_token& stop);

  const std::chrono::milliseconds limit_;
  std::jthread thread_;  // last: starts when the rest is there
};

}  // namespace lens::worker
