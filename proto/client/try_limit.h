#pragma once

#include <algorithm>
#include <chrono>
#include <mutex>

namespace lens::proto {

// How long one try of a call may take, connecting included. Where the workers
// of a large run come all at once, their handshakes share the coordinator's
// processor and end together, late: a try given up before that was work for
// nobody. So the limit doubles with each try that came to its end, and begins
// anew with an answer. Thread-safe.
class TryLimit {
 public:
  using Duration = std::chrono::milliseconds;

  explicit TryLimit(Duration first) : first_(first), now_(first) {}

  Duration now() const {
    const std::lock_guard lock(mutex_);
    return now_;
  }
  // What the attempt to connect may take of a try under `limit`.
  static Duration to_connect(Duration limit) { return limit * 3 / 4; }

  // A try ended without an answer after `took`. Refused at once it says nothing
  // of the coordinator's load, nor does one that began under a shorter limit.
  void failed_after(std::chrono::steady_clock::duration took,
                    Duration longest) {
    const std::lock_guard lock(mutex_);
    if (took >= to_connect(now_)) now_ = std::min(2 * now_, longest);
  }
  void answered() {
    const std::lock_guard lock(mutex_);
    now_ = first_;
  }

 private:
  const Duration first_;
  mutable std::mutex mutex_;
  Duration now_;  // guarded by mutex_
};

}  // namespace lens::proto
