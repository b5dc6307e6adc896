#include "coordinator/lease_table.h"

#include <algorithm>
#include <utility>

namespace lens::coordinator {
namespace {

// The unit of the token was given to another, or is done.
absl::Status stale(LeaseToken token) {
  return absl::FailedPreconditionError(
      "the lease " + std::to_string(token.epoch) + "-" +
      std::to_string(token.number) +
      " is stale (it expired or is of an earlier coordinator); drop the part");
}

}  // namespace

LeaseTable::LeaseTable(const Options& options, Clock clock, std::int32_t units)
    : options_(options),
      clock_(std::move(clock)),
      units_(static_cast<std::size_t>(units)) {
  for (std::int32_t unit = 0; unit < units; ++unit) {
    pending_.insert(pending_.end(), UnitIndex{unit});
  }
}

void LeaseTable::mark_committed(UnitIndex unit, LeaseToken token) {
  if (entry(unit).state == UnitState::kCommitted) return;
  entry(unit).state = UnitState::kCommitted;
  entry(unit).token = token;
  pending_.erase(unit);
  ++committed_;
}

void LeaseTable::give_up(UnitIndex unit) {
  // Invariant: what is committed or leased stays so.
  if (entry(unit).state != UnitState::kPending) return;
  entry(unit).state = UnitState::kGivenUp;
  pending_.erase(unit);
}

void LeaseTable::set_attempts(UnitIndex unit, int attempts) {
  entry(unit).attempts = attempts;
}

LeaseTable::Joined LeaseTable::join(const WorkerIdentity& identity) {
  Joined joined;
  for (auto worker = workers_.begin(); worker != workers_.end();) {
    const WorkerIdentity& known = worker->second.identity;
    if (known.host != identity.host || known.pid != identity.pid) {
      ++worker;
      continue;
    }
    for (Lease& lease : free_leases_of(worker->first)) {
      joined.freed.push_back(std::move(lease));
    }
    worker = workers_.erase(worker);
  }
  joined.id = WorkerId{(options_.epoch << 32) | ++last_worker_};
  workers_[joined.id] = Worker{.id = joined.id,
                               .identity = identity,
                               .last_seen = clock_(),
                               .samples_committed = 0,
                               .told_to_leave = false};
  return joined;
}

absl::StatusOr<std::optional<Lease>> LeaseTable::acquire(WorkerId worker) {
  auto known = find_worker(worker);
  if (!known.ok()) return known.status();
  if (pending_.empty()) return std::nullopt;
  const UnitIndex unit = *pending_.begin();
  const auto now = clock_();
  const Lease lease{.token = {options_.epoch, ++last_number_},
                    .unit = unit,
                    .attempt = ++entry(unit).attempts,
                    .worker = worker,
                    .granted = now,
                    .deadline = now + options_.lease_duration,
                    .samples_done = 0,
                    .committing = false};
  entry(unit).state = UnitState::kLeased;
  entry(unit).token = lease.token;
  pending_.erase(pending_.begin());
  leases_[lease.token] = lease;
  return std::optional<Lease>(lease);
}

absl::StatusOr<std::vector<LeaseToken>> LeaseTable::renew(
    WorkerId worker, std::span<const LeaseProgress> leases) {
  auto known = find_worker(worker);
  if (!known.ok()) return known.status();
  std::vector<LeaseToken> revoked;
  for (const LeaseProgress& progress : leases) {
    const auto lease = leases_.find(progress.token);
    if (lease == leases_.end() || lease->second.worker != worker) {
      // A heartbeat that was under way during its commit is no reason to stop.
      const UnitEntry& unit = entry(progress.unit);
      const bool done =
          unit.state == UnitState::kCommitted && unit.token == progress.token;
      if (!done) revoked.push_back(progress.token);
      continue;
    }
    lease->second.deadline = clock_() + options_.lease_duration;
    lease->second.samples_done = progress.samples_done;
  }
  return revoked;
}

absl::StatusOr<LeaseTable::CommitStep> LeaseTable::begin_commit(
    LeaseToken token, UnitIndex unit) {
  const UnitEntry& unit_entry = entry(unit);
  if (unit_entry.state == UnitState::kCommitted) {
    if (unit_entry.token == token) return CommitStep::kDuplicate;
    return stale(token);
  }
  const auto lease = leases_.find(token);
  if (lease == leases_.end() || lease->second.unit != unit) {
    return stale(token);
  }
  if (lease->second.committing) {
    return absl::UnavailableError("this commit is being written; ask again");
  }
  lease->second.committing = true;
  return CommitStep::kProceed;
}

void LeaseTable::end_commit(LeaseToken token, std::int64_t samples) {
  const auto lease = leases_.find(token);
  // Invariant: a lease whose commit is being written is not ended by others.
  if (lease == leases_.end()) return;
  const auto worker = workers_.find(lease->second.worker);
  if (worker != workers_.end()) worker->second.samples_committed += samples;
  end_lease(lease, UnitState::kCommitted);
  ++committed_;
}

std::optional<Lease> LeaseTable::abort_commit(LeaseToken token) {
  const auto lease = leases_.find(token);
  if (lease == leases_.end()) return std::nullopt;
  return end_lease(lease, UnitState::kPending);
}

void LeaseTable::postpone_commit(LeaseToken token) {
  const auto lease = leases_.find(token);
  if (lease == leases_.end()) return;
  lease->second.committing = false;
  lease->second.deadline = clock_() + options_.lease_duration;
}

std::optional<Lease> LeaseTable::release(LeaseToken token, UnitIndex unit) {
  const auto lease = leases_.find(token);
  if (lease == leases_.end() || lease->second.unit != unit ||
      lease->second.committing) {
    return std::nullopt;
  }
  return end_lease(lease, UnitState::kPending);
}

std::vector<Lease> LeaseTable::expire() {
  const auto now = clock_();
  std::vector<Lease> expired;
  std::set<WorkerId> busy;
  for (auto lease = leases_.begin(); lease != leases_.end();) {
    const auto current = lease++;
    if (current->second.committing || now < current->second.deadline) {
      busy.insert(current->second.worker);
      continue;
    }
    expired.push_back(end_lease(current, UnitState::kPending));
  }
  std::erase_if(workers_, [&](const auto& worker) {
    return !busy.contains(worker.first) &&
           now - worker.second.last_seen >= options_.lease_duration;
  });
  return expired;
}

std::vector<Worker> LeaseTable::silent(
    std::chrono::milliseconds silence) const {
  const auto now = clock_();
  std::vector<Worker> found;
  for (const auto& [id, worker] : workers_) {
    if (now - worker.last_seen >= silence) found.push_back(worker);
  }
  return found;
}

absl::Status LeaseTable::tell_to_leave(WorkerId worker) {
  auto known = find_worker(worker);
  if (!known.ok()) return known.status();
  (*known)->told_to_leave = true;
  return absl::OkStatus();
}

bool LeaseTable::all_told_to_leave() const {
  return leases_.empty() &&
         std::all_of(workers_.begin(), workers_.end(), [](const auto& worker) {
           return worker.second.told_to_leave;
         });
}

std::vector<Lease> LeaseTable::leave(WorkerId worker) {
  std::vector<Lease> freed = free_leases_of(worker);
  workers_.erase(worker);
  return freed;
}

absl::StatusOr<Worker*> LeaseTable::find_worker(WorkerId worker) {
  const auto known = workers_.find(worker);
  if (known == workers_.end()) {
    return absl::NotFoundError(
        "this coordinator does not know the worker; "
        "join again");
  }
  known->second.last_seen = clock_();
  return &known->second;
}

Lease LeaseTable::end_lease(std::map<LeaseToken, Lease>::iterator lease,
                            UnitState unit_state) {
  const Lease ended = lease->second;
  leases_.erase(lease);
  entry(ended.unit).state = unit_state;
  if (unit_state == UnitState::kPending) {
    entry(ended.unit).token = {};
    pending_.insert(ended.unit);
  }
  return ended;
}

std::vector<Lease> LeaseTable::free_leases_of(WorkerId worker) {
  std::vector<Lease> freed;
  for (auto lease = leases_.begin(); lease != leases_.end();) {
    const auto current = lease++;
    // A commit that is being written is a commit.
    if (current->second.worker != worker || current->second.committing) {
      continue;
    }
    freed.push_back(end_lease(current, UnitState::kPending));
  }
  return freed;
}

}  // namespace lens::coordinator
