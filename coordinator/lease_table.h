#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/process_id.h"
#include "coordinator/ids.h"

namespace lens::coordinator {

// Must never go back: std::chrono::steady_clock::now, or a test's own.
using Clock = std::function<std::chrono::steady_clock::time_point()>;

struct WorkerIdentity {
  std::string host;
  int pid = 0;
  // Random, of one process: containers share host names and pids. Empty: told
  // apart by host and pid.
  std::string instance;
  ProcessId process;  // unknown: nobody can tell that it has ended
  int rank = 0;
  int world_size = 1;
  std::string device_name;
  std::string software_version;
};

struct Worker {
  WorkerId id{};
  WorkerIdentity identity;
  std::chrono::steady_clock::time_point last_seen;
  std::int64_t samples_committed = 0;
  bool told_to_leave = false;
  // After how long it was told to be heard of again.
  std::chrono::milliseconds interval{};
};

struct Lease {
  LeaseToken token;
  UnitIndex unit{};
  int attempt = 0;  // 1 for the first
  WorkerId worker{};
  std::chrono::steady_clock::time_point granted;
  std::chrono::steady_clock::time_point deadline;
  std::int64_t samples_done = 0;  // as the worker last said
  bool committing = false;        // a commit is being written; cannot expire
};

struct LeaseProgress {
  LeaseToken token;
  UnitIndex unit{};
  std::int64_t samples_done = 0;
};

// Who works on what: units, leases, workers. Pure state; knows no file, no wire
// and no thread (the caller locks). A unit is pending, leased, committed, or
// given up; leases of a worker that falls silent expire and their units are
// pending again.
class LeaseTable {
 public:
  struct Options {
    std::uint64_t epoch = 1;
    // Of a lease, and between heartbeats; both are longer where there are many
    // workers.
    std::chrono::milliseconds lease_duration{30'000};
    std::chrono::milliseconds heartbeat_interval{5'000};
  };

  LeaseTable(const Options& options, Clock clock, std::int32_t units);

  // Of what the ledger remembers; before anything is leased.
  void mark_committed(UnitIndex unit, LeaseToken token);
  void give_up(UnitIndex unit);
  // A unit that was leased before comes behind those that were not, as ever.
  void set_attempts(UnitIndex unit, int attempts);

  struct Joined {
    WorkerId id{};
    std::vector<Lease> freed;
  };
  // A process that joins again has lost what it was doing: the leases of its
  // former id are freed.
  Joined join(const WorkerIdentity& identity);

  // The pending unit with the lowest index; those that were leased before come
  // behind those that were not, in the order in which their leases ended, so
  // that a unit that takes its workers down does not keep them from the rest.
  // Nothing where none is pending. NOT_FOUND: unknown worker.
  absl::StatusOr<std::optional<Lease>> acquire(WorkerId worker);

  // After how long each worker is to be heard of, now: all of them together
  // call no more than a hundred times a second.
  std::chrono::milliseconds interval() const;

  // Renews the leases named, for a worker that is to be heard of again after
  // interval(). Returns those that are not (any more) this worker's to work on.
  // NOT_FOUND: unknown worker.
  absl::StatusOr<std::vector<LeaseToken>> renew(
      WorkerId worker, std::span<const LeaseProgress> leases);

  enum class CommitStep {
    kProceed,    // the lease is held until end_commit
    kDuplicate,  // committed with this token before: answer OK
  };
  // FAILED_PRECONDITION: the token is stale. UNAVAILABLE: the same commit is
  // being written right now; ask again.
  absl::StatusOr<CommitStep> begin_commit(LeaseToken token, UnitIndex unit);
  // One of the three ends what begin_commit began: the unit is committed, it is
  // pending again, or its commit is to be asked for once more.
  void end_commit(LeaseToken token, std::int64_t samples);
  std::optional<Lease> abort_commit(LeaseToken token);
  // Nothing happens where the lease has ended.
  void postpone_commit(LeaseToken token);

  // Ends a lease without a commit; the unit is pending again. Nothing where the
  // token is stale, of another unit, or its commit is being written.
  std::optional<Lease> release(LeaseToken token, UnitIndex unit);

  // Leases whose deadline is over.
  std::vector<Lease> overdue() const;
  // Ends those of `leases` whose deadline is still over.
  std::vector<Lease> expire(std::span<const Lease> leases);
  // Forgets workers that hold nothing and are silent for a lease's time.
  void forget_silent();
  // Every lease and worker counts as heard of now: nobody could be heard while
  // the coordinator stood still.
  void excuse_silence();
  // Workers that have missed a heartbeat.
  std::vector<Worker> silent() const;
  std::vector<Lease> leases_of(WorkerId worker) const;

  // The worker knows that nothing more is to come. NOT_FOUND: unknown worker.
  absl::Status tell_to_leave(WorkerId worker);
  // Nobody is left who would ask again: no lease, and all workers were told.
  bool all_told_to_leave() const;

  // Forgets a worker that says goodbye; returns what it held. Nothing where it
  // is not known.
  std::vector<Lease> leave(WorkerId worker);

  std::int32_t units() const {
    return static_cast<std::int32_t>(units_.size());
  }
  std::int32_t committed() const { return committed_; }
  bool is_committed(UnitIndex unit) const {
    const auto index = static_cast<std::size_t>(to_int(unit));
    return index < units_.size() &&
           units_[index].state == UnitState::kCommitted;
  }
  std::int32_t pending() const {
    return static_cast<std::int32_t>(pending_.size());
  }
  const std::map<LeaseToken, Lease>& leases() const { return leases_; }
  const std::map<WorkerId, Worker>& workers() const { return workers_; }

 private:
  enum class UnitState { kPending, kLeased, kCommitted, kGivenUp };
  struct UnitEntry {
    UnitState state = UnitState::kPending;
    int attempts = 0;        // leases granted so far
    std::uint64_t turn = 0;  // rises each time the unit is pending again
    LeaseToken token{};      // of the lease, or of the commit
  };
  using Turn = std::pair<std::uint64_t, UnitIndex>;

  UnitEntry& entry(UnitIndex unit) {
    return units_[static_cast<std::size_t>(to_int(unit))];
  }
  absl::StatusOr<Worker*> find_worker(WorkerId worker);
  // How long the worker's leases last without a word of it.
  std::chrono::milliseconds patience(const Worker& worker) const;
  std::chrono::milliseconds patience(WorkerId worker) const;
  bool is_overdue(const Lease& lease) const;
  Lease end_lease(std::map<LeaseToken, Lease>::iterator lease,
                  UnitState unit_state);
  std::vector<Lease> free_leases_of(WorkerId worker);

  const Options options_;
  const Clock clock_;
  std::vector<UnitEntry> units_;
  std::set<Turn> pending_;
  std::map<LeaseToken, Lease> leases_;
  std::map<WorkerId, Worker> workers_;
  std::int32_t committed_ = 0;
  std::uint64_t last_number_ = 0;  // of leases
  std::uint64_t last_worker_ = 0;
  std::uint64_t last_turn_ = 0;
};

}  // namespace lens::coordinator
