#pragma once

#include <chrono>
#include <string>

#include "cli/run_status.h"

namespace lens::cli {

// Whether a run that was asked to stop gets on with it. A pure value; the times
// are the caller's.
class DrainWatch {
 public:
  using Clock = std::chrono::steady_clock;
  struct Limits {
    // How long the coordinator may leave every question unanswered: it is
    // stopped, or its host is.
    std::chrono::milliseconds silent{60'000};
    // How long nothing may come of the stop although it answers: a worker
    // hangs.
    std::chrono::milliseconds still{120'000};
  };

  explicit DrainWatch(Limits limits) : limits_(limits) {}

  // From now on the run is to stop. Later calls change nothing.
  void begin(Clock::time_point now);
  bool begun() const { return begun_; }
  void answered(const RunStatus& status, Clock::time_point now);

  // Why it has to be ended by force; "" as long as it need not.
  std::string standstill(Clock::time_point now) const;

 private:
  Limits limits_;
  bool begun_ = false;
  Clock::time_point answer_;  // the latest, or the beginning
  Clock::time_point change_;  // of what was answered, or the beginning
  std::string mark_;
};

}  // namespace lens::cli
