#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "storage/manifest.h"
#include "storage/run_directory.h"
#include "worker/client.h"
#include "worker/crash_watch.h"
#include "worker/heartbeats.h"
#include "worker/sample_source.h"
#include "worker/unit_runner.h"

namespace lens::worker {

// Why a worker left its loop.
enum class LoopEnd {
  kComplete,  // no work is left
  kDrained,   // asked to leave; what was in flight is released
  kFailed,    // the coordinator ended the run as failed
};

// Takes leases until there are no more. Two are held: while the model works on
// one unit, the images of the next are decoded. A part is on disk before it is
// committed, and committed before it counts.
class WorkLoop {
 public:
  // All arguments must outlive the loop. `stop` comes from outside (a signal).
  WorkLoop(const storage::RunDirectory& run, const storage::Manifest& manifest,
           std::string device_name, Client& client, SampleSource& source,
           UnitRunner& runner, std::stop_token stop);
  ~WorkLoop();

  // Throws what the client throws when the coordinator stays away.
  LoopEnd run();

 private:
  struct Held;

  std::unique_ptr<Held> take_lease(bool may_wait);
  void prepare(Held& held);
  void work_on(Held& held);
  void finish(const Lease& lease, PreparedUnit prepared, Doing& doing);
  void release(Held& held, const std::string& reason);
  bool stopping() const {
    return stop_.stop_requested() || heartbeats_.draining();
  }

  const storage::RunDirectory& run_;
  const storage::Manifest& manifest_;
  const std::string device_name_;
  Client& client_;
  SampleSource& source_;
  UnitRunner& runner_;
  const std::stop_token stop_;
  Heartbeats heartbeats_;
  std::optional<LoopEnd> end_;
};

}  // namespace lens::worker
