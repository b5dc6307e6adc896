#pragma once

#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "storage/manifest.h"
#include "storage/run_directory.h"
#include "worker/coordinator.h"
#include "worker/crash_watch.h"
#include "worker/heartbeats.h"
#include "worker/sample_source.h"
#include "worker/stall_watch.h"
#include "worker/unit_runner.h"

namespace lens::worker {

// Why a worker left its loop.
enum class LoopEnd {
  kComplete,  // no work is left
  kDrained,   // asked to leave; what was in flight is released
  kFailed,    // the coordinator ended the run as failed
};

// Takes leases until there are no more. Three are held at most: while the model
// works on one unit, the images of the next are decoded, and the part of the
// one before is written and committed. A unit that workers died of has the
// process to itself, so that it is clear what the next death is of. A part is
// on disk before it is committed, and committed before it counts.
class WorkLoop {
 public:
  // All arguments must outlive the loop. `stop` comes from outside (a signal).
  WorkLoop(const storage::RunDirectory& run, const storage::Manifest& manifest,
           std::string device_name, Coordinator& coordinator,
           UnitSource& source, UnitRunner& runner, std::stop_token stop);
  ~WorkLoop();

  // Throws what the client throws when the coordinator stays away.
  LoopEnd run();

  // Where the time of run() went: in the model, and waiting for it to have
  // something to do. Wall time; the three do not overlap.
  struct Times {
    std::chrono::duration<double> engine{0};
    std::chrono::duration<double> unit{0};   // for a lease and its images
    std::chrono::duration<double> store{0};  // for the part of the unit before
  };
  const Times& times() const { return times_; }

 private:
  struct Held;

  std::unique_ptr<Held> take_lease(bool may_wait);
  std::future<std::unique_ptr<Held>> look_ahead();
  void prepare(Held& held);
  void compute(Held& held);
  void store(const Lease& lease, const storage::UnitResult& result);
  void commit(const Lease& lease, const storage::PartReceipt& receipt,
              const storage::UnitResult& result);
  void await_store();
  void release(Held& held, const std::string& reason);
  template <typename Work>
  bool attempt(const Lease& lease, const Work& work);
  bool stopping() const {
    return stop_.stop_requested() || heartbeats_.draining();
  }

  const storage::RunDirectory& run_;
  const storage::Manifest& manifest_;
  const std::string device_name_;
  Coordinator& coordinator_;
  UnitSource& source_;
  UnitRunner& runner_;
  const std::stop_token stop_;
  Heartbeats heartbeats_;
  // Set by take_lease(), on whichever thread it runs: one at a time.
  std::optional<LoopEnd> end_;
  Times times_;
  std::optional<StallWatch> stall_watch_;
  std::future<void> stored_;  // last: waits for a thread that uses the rest
};

}  // namespace lens::worker
