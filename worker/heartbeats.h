#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <thread>

#include "worker/coordinator.h"

namespace lens::worker {

// Renews the leases of this worker from a thread of its own, so that a long
// pass of the model does not cost its lease, and carries what the answer says:
// leases taken away, a run that drains. Thread-safe.
class Heartbeats {
 public:
  explicit Heartbeats(Coordinator& coordinator);
  ~Heartbeats();
  Heartbeats(const Heartbeats&) = delete;
  Heartbeats& operator=(const Heartbeats&) = delete;

  void hold(const Lease& lease);
  void drop(const Lease& lease);
  // One more sample of the leased unit is done (for the status).
  void sample_done(const Lease& lease);

  bool revoked(const Lease& lease) const;
  bool draining() const { return draining_; }

 private:
  struct Progress {
    LeaseProgress sent;
    bool revoked = false;
  };
  void beat();

  Coordinator& coordinator_;
  std::atomic<bool> draining_{false};
  mutable std::mutex mutex_;
  std::condition_variable wake_;             // guarded by mutex_
  bool stopping_ = false;                    // guarded by mutex_
  std::map<LeaseToken, Progress> progress_;  // guarded by mutex_
  std::thread thread_;  // last: starts when the rest is there
};

}  // namespace lens::worker
