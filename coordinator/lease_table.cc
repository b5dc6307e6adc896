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

// Of all workers' heartbeats together. Each costs about a millisecond of the
// coordinator's processor: a tenth of a core.
constexpr std::chrono::milliseconds kBetweenHeartbeats{10};
constexpr std::chrono::milliseconds kLongestInterval{60'000};
// So many heartbeats may be lost before a lease is.
constexpr int kHeartbeatsPerLease = 6;

bool same_process(const WorkerIdentity& left, const WorkerIdentity& right) {
  if (left.instance != right.instance) return false;
  return !left.instance.empty() ||
         (left.host == right.host && left.pid == right.pid);
}

}  // namespace

LeaseTable::LeaseTable(const Options& options, Clock clock, std::int32_t units)
    : options_(options),
      clock_(std::move(clock)),
      units_(static_cast<std::size_t>(units)) {
  for (std::int32_t unit = 0; unit < units; ++unit) {
    pending_.emplace_hint(pending_.end(), 0, UnitIndex{unit});
  }
}

void LeaseTable::mark_committed(UnitIndex unit, LeaseToken token) {
  if (entry(unit).state == UnitState::kCommitted) return;
  entry(unit).state = UnitState::kCommitted;
  entry(unit).token = token;
  pending_.erase({entry(unit).turn, unit});
  ++committed_;
}

void LeaseTable::give_up(UnitIndex unit) {
  // Invariant: what is committed or leased stays so.
  if (entry(unit).state != UnitState::kPending) return;
  entry(unit).state = UnitState::kGivenUp;
  pending_.erase({entry(unit).turn, unit});
}

void LeaseTable::set_attempts(UnitIndex unit, int attempts) {
  entry(unit).attempts = attempts;
  if (attempts == 0 || entry(unit).state != UnitState::kPending) return;
  pending_.erase({entry(unit).turn, unit});
  entry(unit).turn = ++last_turn_;
  pending_.insert({entry(unit).turn, unit});
}

LeaseTable::Joined LeaseTable::join(const WorkerIdentity& identity) {
  Joined joined;
  for (auto worker = workers_.begin(); worker != workers_.end();) {
    if (!same_process(worker->second.identity, identity)) {
      ++worker;
      continue;
    }
    for (Lease& lease : free_leases_of(worker->first)) {
      joined.freed.push_back(std::move(lease));
    }
    worker = workers_.erase(worker);
  }
  // With the epoch in it: an id that an earlier coordinator gave is unknown to
  // this one, and its worker joins again.
  joined.id = WorkerId{(options_.epoch << 32) | ++last_worker_};
  workers_[joined.id] = Worker{.id = joined.id,
                               .identity = identity,
                               .last_seen = clock_(),
                               .samples_committed = 0,
                               .told_to_leave = false,
                               .interval = {}};
  workers_[joined.id].interval = interval();
  return joined;
}

absl::StatusOr<std::optional<Lease>> LeaseTable::acquire(WorkerId worker) {
  auto known = find_worker(worker);
  if (!known.ok()) return known.status();
  if (pending_.empty()) return std::nullopt;
  const UnitIndex unit = pending_.begin()->second;
  const auto now = clock_();
  // The attempt counts from here: a worker may die without a word.
  const Lease lease{.token = {options_.epoch, ++last_number_},
                    .unit = unit,
                    .attempt = ++entry(unit).attempts,
                    .worker = worker,
                    .granted = now,
                    .deadline = now + patience(**known),
                    .samples_done = 0,
                    .committing = false};
  entry(unit).state = UnitState::kLeased;
  entry(unit).token = lease.token;
  pending_.erase(pending_.begin());
  leases_[lease.token] = lease;
  return std::optional<Lease>(lease);
}

std::chrono::milliseconds LeaseTable::interval() const {
  const auto crowd = kBetweenHeartbeats * workers_.size();
  return std::max(options_.heartbeat_interval,
                  std::min<std::chrono::milliseconds>(crowd, kLongestInterval));
}

std::chrono::milliseconds LeaseTable::patience(const Worker& worker) const {
  // Of a worker that was told the usual interval, the usual time.
  if (worker.interval <= options_.heartbeat_interval) {
    return options_.lease_duration;
  }
  return std::max(options_.lease_duration,
                  worker.interval * kHeartbeatsPerLease);
}

std::chrono::milliseconds LeaseTable::patience(WorkerId worker) const {
  const auto known = workers_.find(worker);
  return known == workers_.end() ? options_.lease_duration
                                 : patience(known->second);
}

absl::StatusOr<std::vector<LeaseToken>> LeaseTable::renew(
    WorkerId worker, std::span<const LeaseProgress> leases) {
  auto known = find_worker(worker);
  if (!known.ok()) return known.status();
  (*known)->interval = interval();
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
    lease->second.deadline = clock_() + patience(**known);
    lease->second.samples_done = progress.samples_done;
  }
  return revoked;
}

absl::StatusOr<LeaseTable::CommitStep> LeaseTable::begin_commit(
    LeaseToken token, UnitIndex unit) {
  const UnitEntry& unit_entry = entry(unit);
  if (unit_entry.state == UnitState::kCommitted) {
    // The answer to the first call was lost.
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
  // With a whole lease before it: it must not expire until its worker asks
  // again.
  lease->second.committing = false;
  lease->second.deadline = clock_() + patience(lease->second.worker);
}

std::optional<Lease> LeaseTable::release(LeaseToken token, UnitIndex unit) {
  const auto lease = leases_.find(token);
  if (lease == leases_.end() || lease->second.unit != unit ||
      lease->second.committing) {
    return std::nullopt;
  }
  return end_lease(lease, UnitState::kPending);
}

std::vector<Lease> LeaseTable::overdue() const {
  std::vector<Lease> found;
  for (const auto& [token, lease] : leases_) {
    if (is_overdue(lease)) found.push_back(lease);
  }
  return found;
}

std::vector<Lease> LeaseTable::expire(std::span<const Lease> leases) {
  std::vector<Lease> expired;
  for (const Lease& lease : leases) {
    const auto current = leases_.find(lease.token);
    // Renewed or committed since it was looked at.
    if (current == leases_.end() || !is_overdue(current->second)) continue;
    expired.push_back(end_lease(current, UnitState::kPending));
  }
  return expired;
}

bool LeaseTable::is_overdue(const Lease& lease) const {
  return !lease.committing && clock_() >= lease.deadline;
}

void LeaseTable::forget_silent() {
  const auto now = clock_();
  std::set<WorkerId> busy;
  for (const auto& [token, lease] : leases_) busy.insert(lease.worker);
  std::erase_if(workers_, [&](const auto& worker) {
    return !busy.contains(worker.first) &&
           now - worker.second.last_seen >= patience(worker.second);
  });
}

void LeaseTable::excuse_silence() {
  const auto now = clock_();
  for (auto& [token, lease] : leases_) {
    lease.deadline = std::max(lease.deadline, now + patience(lease.worker));
  }
  for (auto& [id, worker] : workers_) worker.last_seen = now;
}

std::vector<Lease> LeaseTable::leases_of(WorkerId worker) const {
  std::vector<Lease> found;
  for (const auto& [token, lease] : leases_) {
    // A commit that is being written is a commit.
    if (lease.worker == worker && !lease.committing) found.push_back(lease);
  }
  return found;
}

std::vector<Worker> LeaseTable::silent() const {
  const auto now = clock_();
  std::vector<Worker> found;
  for (const auto& [id, worker] : workers_) {
    if (now - worker.last_seen >= worker.interval * 3 / 2) {
      found.push_back(worker);
    }
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
    UnitEntry& unit = entry(ended.unit);
    unit.token = {};
    unit.turn = ++last_turn_;
    pending_.emplace(unit.turn, ended.unit);
  }
  return ended;
}

std::vector<Lease> LeaseTable::free_leases_of(WorkerId worker) {
  std::vector<Lease> freed = leases_of(worker);
  for (const Lease& lease : freed) {
    end_lease(leases_.find(lease.token), UnitState::kPending);
  }
  return freed;
}

}  // namespace lens::coordinator
