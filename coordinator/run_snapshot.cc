#include "coordinator/run_snapshot.h"

#include <algorithm>

#include "coordinator/run.h"

namespace lens::coordinator {
namespace {

constexpr int kSuspiciousLosses = 5;
constexpr std::size_t kMessageUnits = 3;  // given-up units named in a message

std::string counted(std::int64_t number, const std::string& noun) {
  return std::to_string(number) + " " + noun + (number == 1 ? "" : "s");
}

}  // namespace

RunSnapshot Run::snapshot() const {
  const std::lock_guard lock(mutex_);
  RunSnapshot snapshot;
  snapshot.state = state_locked();
  snapshot.run_id = manifest_.run_id;
  snapshot.epoch = epoch();
  snapshot.software_version = options_.software_version;
  snapshot.datasets = datasets_;
  snapshot.tensor_parallel = manifest_.config.tensor_parallel;
  snapshot.draining = draining_;
  snapshot.uptime = clock_() - started_;
  snapshot.message = message_locked();
  snapshot.failures.assign(history_.recent().rbegin(),
                           history_.recent().rend());
  describe_work_locked(snapshot);
  describe_workers_locked(snapshot);
  return snapshot;
}

std::string Run::failure() const {
  const std::lock_guard lock(mutex_);
  return state_locked() == RunState::kFailed ? message_locked() : "";
}

void Run::describe_work_locked(RunSnapshot& snapshot) const {
  snapshot.units_total = table_.units();
  snapshot.units_committed = table_.committed();
  snapshot.units_leased = static_cast<std::int64_t>(table_.leases().size());
  for (const auto& [token, lease] : table_.leases()) {
    const auto age = clock_() - lease.granted;
    snapshot.oldest_lease = std::max(snapshot.oldest_lease.value_or(age), age);
  }
  std::int64_t remaining = 0;
  for (const auto& [name, counts] : datasets_) {
    remaining += counts.total - counts.done;
  }
  // What is done of units under way, which the data sets do not count yet.
  remaining -= progress_locked() - samples_this_epoch_;
  if (snapshot.state != RunState::kRunning) return;
  snapshot.samples_per_second = rate_.per_second(clock_());
  if (snapshot.samples_per_second > 0) {
    snapshot.eta = std::chrono::duration<double>(
        static_cast<double>(std::max<std::int64_t>(remaining, 0)) /
        snapshot.samples_per_second);
  }
}

void Run::describe_workers_locked(RunSnapshot& snapshot) const {
  std::map<WorkerId, std::vector<UnitIndex>> units;
  for (const auto& [token, lease] : table_.leases()) {
    units[lease.worker].push_back(lease.unit);
  }
  for (const auto& [id, worker] : table_.workers()) {
    snapshot.workers.push_back({.id = id,
                                .identity = worker.identity,
                                .since_heartbeat = clock_() - worker.last_seen,
                                .units = units[id],
                                .samples_committed = worker.samples_committed});
  }
}

RunState Run::state_locked() const {
  const auto outcome = outcome_locked();
  if (!outcome) return fatal_.empty() ? RunState::kRunning : RunState::kFailed;
  switch (*outcome) {
    case Outcome::kComplete:
      return ledger_.contents().state == RunState::kComplete
                 ? RunState::kComplete
                 : RunState::kMerging;
    case Outcome::kDrained:
      return RunState::kInterrupted;
    case Outcome::kFailed:
      return RunState::kFailed;
  }
  return RunState::kFailed;
}

// What is going on, and what to do where something is to be done.
std::string Run::message_locked() const {
  const std::string progress = std::to_string(table_.committed()) + " of " +
                               counted(table_.units(), "unit") + " committed";
  const auto leased = static_cast<std::int64_t>(table_.leases().size());
  if (table_.committed() == table_.units()) {
    const bool merged = ledger_.contents().state == RunState::kComplete;
    return progress + (merged ? "; results.h5 is written"
                              : "; the merge writes results.h5");
  }
  if (!fatal_.empty()) {
    return "failed: " + fatal_ + "; " + progress +
           "; after the cause is removed the same command resumes";
  }
  if (outcome_locked() == Outcome::kFailed) {
    std::string line = "failed: ";
    std::size_t named = 0;
    for (const auto& [unit, failure] : history_.given_up()) {
      if (++named > kMessageUnits) break;
      line += "unit " + std::to_string(to_int(unit)) + " was given up after " +
              std::to_string(failure.failure_class == FailureClass::kKilled
                                 ? FailureHistory::kKillsOfUnit
                                 : FailureHistory::kDeathsOfUnit) +
              " deaths (" +
              std::string(failure_class_name(failure.failure_class)) + ": " +
              failure.reason + "); ";
    }
    return line + progress + "; the same command tries again";
  }
  if (draining_) {
    if (leased > 0) {
      return "draining: waiting for " + counted(leased, "unit") + "; " +
             progress;
    }
    return "interrupted: " + progress + "; the same command resumes";
  }
  const auto workers = static_cast<std::int64_t>(table_.workers().size());
  if (workers == 0) {
    return "waiting for workers to join; " + progress +
           "; see logs/ of the run directory";
  }
  return progress + ", " + std::to_string(leased) + " leased to " +
         counted(workers, "worker") + lost_units_locked();
}

// Empty unless a unit that is still to be done was lost suspiciously often.
std::string Run::lost_units_locked() const {
  for (const auto& [unit, times] : history_.lost()) {
    if (times < kSuspiciousLosses || table_.is_committed(unit)) continue;
    return "; unit " + std::to_string(to_int(unit)) + " was lost " +
           std::to_string(times) +
           " times: if its workers die of it, logs/ says why";
  }
  return "";
}

}  // namespace lens::coordinator
