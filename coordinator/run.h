#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/failure_history.h"
#include "coordinator/lease_table.h"
#include "coordinator/ledger.h"
#include "coordinator/rate_meter.h"
#include "coordinator/run_snapshot.h"
#include "storage/crash_note.h"
#include "storage/manifest.h"

namespace lens::coordinator {

// How a run ended, as seen by the coordinator.
enum class Outcome {
  kComplete,  // every unit is committed
  kDrained,   // told to end; the same command resumes
  kFailed,    // see failure()
};

struct Granted {
  Lease lease;
  std::vector<QuarantinedSample> quarantined;
  bool alone = false;  // its samples are to be run one at a time
};
struct WaitFor {
  std::chrono::milliseconds duration;
};
using AcquireAnswer = std::variant<Granted, WaitFor, Outcome>;

struct HeartbeatAnswer {
  std::vector<LeaseToken> revoked;
  bool draining = false;
  std::chrono::milliseconds next{};  // after it the worker is to be heard of
};

// One run: joins the lease table, the failure history and the ledger, and
// decides when it is over. What the ledger must hold is there before a call
// returns. Thread-safe; knows nothing of gRPC. Codes as in coordinator.proto.
class Run {
 public:
  struct Options {
    std::filesystem::path root;  // the run directory
    std::string software_version;
    std::chrono::milliseconds lease_duration{30'000};
    std::chrono::milliseconds heartbeat_interval{5'000};  // of few workers
    // After the end: how long workers that have not left are waited for.
    std::chrono::milliseconds linger{10'000};
    // How long a committed part may take to become visible.
    std::chrono::milliseconds part_patience{3'000};
    // How long a worker may make no step at a sample before it ends itself, at
    // least (worker/stall_watch.h); 0: for ever.
    std::chrono::milliseconds stall_limit{600'000};
    // Whether the process of a worker that has missed a heartbeat is known to
    // be no more: its units are free at once. Empty: never known.
    std::function<bool(const WorkerIdentity&)> process_gone;
  };
  using Log = std::function<void(const std::string&)>;

  // `ledger` has begun its epoch and outlives this.
  Run(Options options, storage::Manifest manifest, Ledger& ledger, Clock clock,
      Log log);

  const Options& options() const { return options_; }
  std::uint64_t epoch() const { return ledger_.contents().epoch; }

  // Counts the deaths that notes tell of and whose leases are over: workers of
  // an earlier coordinator, or of a host that this one cannot see, leave them.
  // That everything was killed together with an earlier coordinator is no fault
  // of a sample. To be called before the first worker joins, and now and then.
  absl::Status adopt_crash_notes();

  absl::StatusOr<WorkerId> join(const std::string& run_id,
                                const WorkerIdentity& identity);
  // Between two heartbeats of a worker, with as many as there are.
  std::chrono::milliseconds interval() const;
  absl::StatusOr<AcquireAnswer> acquire(WorkerId worker);
  absl::StatusOr<HeartbeatAnswer> heartbeat(
      WorkerId worker, std::span<const LeaseProgress> leases);
  // The worker's last call.
  absl::Status leave(WorkerId worker);
  absl::Status commit(const UnitCommit& commit);
  // Of `failure`, attempt and counted are filled in here.
  absl::Status fail(UnitFailure failure);

  // No further lease; over once the leases have ended.
  void drain(std::string_view who);
  // Over at once: leases are left to be granted again by the next coordinator.
  void stop_now();

  // Expires leases, measures the rate and notices the end. To be called a few
  // times a second: after a longer pause (a stopped process, a host that slept)
  // all leases and workers count as heard of, since nobody could be heard.
  void tick();

  // Over: there is nothing left to do, and the workers are gone or were given
  // `linger` to go. The ledger knows.
  bool over() const;
  std::optional<Outcome> outcome() const;
  // Why the run failed, one line.
  std::string failure() const;

  RunSnapshot snapshot() const;

  // Returns when something has changed since `revision`, the watchers are
  // dismissed, or after `timeout`; then the present revision.
  std::uint64_t wait_for_change(std::uint64_t revision,
                                std::chrono::milliseconds timeout) const;
  // Returns after `timeout`, or once the watchers are dismissed.
  void wait_unless_dismissed(std::chrono::milliseconds timeout) const;
  void dismiss_watchers();
  bool watchers_dismissed() const;

 private:
  // A failure and what it led to.
  struct Judged {
    UnitFailure failure;
    std::optional<QuarantinedSample> quarantined;
  };
  using Notes = std::map<LeaseToken, storage::CrashNote>;
  class CommitUnderWay;

  bool knows(UnitIndex unit) const;
  const storage::Unit& unit_of(UnitIndex unit) const;
  absl::Status check_commit(const UnitCommit& commit) const;
  absl::Status refuse_commit(const UnitCommit& commit, absl::Status why);
  absl::Status record(const Judged& judged);
  absl::Status record(const std::vector<Judged>& all);
  void note_broken_ledger(const absl::Status& status);
  void forgive_pause();
  std::vector<Judged> bury();
  Notes read_notes(std::span<const Lease> leases) const;
  bool adopts(const storage::CrashNote& note, Judged& judged);

  // With mutex_ held:
  std::optional<Outcome> outcome_locked() const;
  bool leaving_locked() const;
  std::chrono::milliseconds linger_locked() const;
  std::optional<QuarantinedSample> judge_locked(UnitFailure& failure);
  void judge_ended_locked(std::span<const Lease> leases, const Notes& notes,
                          std::string_view reason, std::vector<Judged>& all);
  void add_commit_locked(const UnitCommit& commit);
  void changed_locked();
  std::int64_t progress_locked() const;
  void describe_work_locked(RunSnapshot& snapshot) const;
  void describe_workers_locked(RunSnapshot& snapshot) const;
  std::string message_locked() const;
  std::string lost_units_locked() const;
  RunState state_locked() const;

  const Options options_;
  const storage::Manifest manifest_;
  Ledger& ledger_;
  const Clock clock_;
  const Log log_;
  const std::chrono::steady_clock::time_point started_;

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  // All below guarded by mutex_.
  LeaseTable table_;
  FailureHistory history_;
  std::set<LeaseToken> counted_;  // failures that count
  std::optional<std::chrono::steady_clock::time_point> last_tick_;
  RateMeter rate_;
  std::vector<std::pair<std::string, DatasetCounts>> datasets_;
  std::int64_t samples_this_epoch_ = 0;
  std::uint64_t revision_ = 1;
  bool draining_ = false;
  bool stop_now_ = false;
  bool ledger_broken_ = false;
  bool watchers_dismissed_ = false;
  std::string fatal_;  // why the whole run has failed; empty: it has not
  std::optional<std::chrono::steady_clock::time_point> ended_;
};

}  // namespace lens::coordinator
