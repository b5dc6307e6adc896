#pragma once

#include <chrono>
#include <memory>

#include "coordinator/lease_table.h"

namespace lens::coordinator {

// A monotonic clock that stands still until it is advanced.
class FakeClock {
 public:
  void advance(std::chrono::milliseconds duration) { *now_ += duration; }
  Clock clock() const {
    return [now = now_] { return *now; };
  }

 private:
  std::shared_ptr<std::chrono::steady_clock::time_point> now_ =
      std::make_shared<std::chrono::steady_clock::time_point>();
};

}  // namespace lens::coordinator
