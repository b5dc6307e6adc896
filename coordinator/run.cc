#include "coordinator/run.h"

#include <algorithm>
#include <utility>

#include "coordinator/part_check.h"

namespace lens::coordinator {
namespace {

LeaseTable make_table(const Run::Options& options, const Clock& clock,
                      const storage::Manifest& manifest,
                      const LedgerContents& contents,
                      const FailureHistory& history) {
  const auto units = static_cast<std::int32_t>(manifest.units.size());
  LeaseTable table(
      {contents.epoch, options.lease_duration, options.heartbeat_interval},
      clock, units);
  for (const auto& [unit, attempts] : history.attempts()) {
    if (to_int(unit) >= 0 && to_int(unit) < units) {
      table.set_attempts(unit, attempts);
    }
  }
  for (const auto& [unit, failure] : history.given_up()) {
    if (to_int(unit) >= 0 && to_int(unit) < units) table.give_up(unit);
  }
  return table;
}

}  // namespace

Run::Run(Options options, storage::Manifest manifest, Ledger& ledger,
         Clock clock, Log log)
    : options_(std::move(options)),
      manifest_(std::move(manifest)),
      ledger_(ledger),
      clock_(std::move(clock)),
      log_(std::move(log)),
      started_(clock_()),
      table_(make_table(options_, clock_, manifest_, ledger.contents(),
                        FailureHistory(ledger.contents().failures,
                                       ledger.contents().quarantined))),
      history_(ledger.contents().failures, ledger.contents().quarantined) {
  for (const storage::DatasetInput& dataset : manifest_.datasets) {
    datasets_.push_back({dataset.name, DatasetCounts{}});
  }
  for (const storage::Unit& unit : manifest_.units) {
    for (auto& [name, counts] : datasets_) {
      if (name == unit.dataset) counts.total += unit.samples;
    }
  }
  for (const UnitFailure& failure : ledger_.contents().failures) {
    if (failure.counted) counted_.insert(failure.token);
  }
  for (const UnitCommit& commit : ledger_.contents().commits) {
    if (!knows(commit.unit)) continue;
    table_.mark_committed(commit.unit, commit.token);
    add_commit_locked(commit);
  }
}

absl::StatusOr<WorkerId> Run::join(const std::string& run_id,
                                   const WorkerIdentity& identity) {
  if (run_id != manifest_.run_id) {
    return absl::FailedPreconditionError("the worker is of run " + run_id +
                                         ", this is run " + manifest_.run_id +
                                         "; start it on this run directory");
  }
  std::vector<Judged> lost;
  WorkerId id{};
  {
    const std::lock_guard lock(mutex_);
    const LeaseTable::Joined joined = table_.join(identity);
    id = joined.id;
    judge_ended_locked(joined.freed, {}, "its worker joined again", lost);
    changed_locked();
  }
  log_("worker joined: " + identity.host + " pid " +
       std::to_string(identity.pid) + " rank " + std::to_string(identity.rank) +
       " on " + identity.device_name);
  if (auto status = record(lost); !status.ok()) return status;
  return id;
}

std::chrono::milliseconds Run::interval() const {
  const std::lock_guard lock(mutex_);
  return table_.interval();
}

absl::StatusOr<AcquireAnswer> Run::acquire(WorkerId worker) {
  const std::lock_guard lock(mutex_);
  if (leaving_locked()) {
    if (auto status = table_.tell_to_leave(worker); !status.ok()) return status;
    changed_locked();
    if (const auto outcome = outcome_locked()) return AcquireAnswer(*outcome);
    return AcquireAnswer(fatal_.empty() ? Outcome::kDrained : Outcome::kFailed);
  }
  auto lease = table_.acquire(worker);
  if (!lease.ok()) return lease.status();
  if (!lease->has_value()) {
    // Many waiting workers must not keep the coordinator busy.
    const auto workers = static_cast<std::int64_t>(table_.workers().size());
    return WaitFor{std::chrono::milliseconds(
        std::clamp<std::int64_t>(2 * workers, 200, 5'000))};
  }
  changed_locked();
  const UnitIndex unit = (*lease)->unit;
  return Granted{**lease, history_.quarantined(unit), history_.suspect(unit)};
}

absl::StatusOr<HeartbeatAnswer> Run::heartbeat(
    WorkerId worker, std::span<const LeaseProgress> leases) {
  for (const LeaseProgress& lease : leases) {
    if (!knows(lease.unit)) return absl::InvalidArgumentError("no such unit");
  }
  const std::lock_guard lock(mutex_);
  auto revoked = table_.renew(worker, leases);
  if (!revoked.ok()) return revoked.status();
  changed_locked();
  const bool draining = draining_ || !fatal_.empty();
  if (draining) table_.tell_to_leave(worker).IgnoreError();
  return HeartbeatAnswer{*std::move(revoked), draining, table_.interval()};
}

absl::Status Run::leave(WorkerId worker) {
  std::vector<Judged> lost;
  {
    const std::lock_guard lock(mutex_);
    judge_ended_locked(table_.leave(worker), {}, "its worker left", lost);
    changed_locked();
  }
  return record(lost);
}

// A lease between begin_commit and its end. Whatever way that is left, the
// lease does not stay held: the worker may ask again.
class Run::CommitUnderWay {
 public:
  CommitUnderWay(Run& run, LeaseToken token) : run_(run), token_(token) {}
  ~CommitUnderWay() {
    const std::lock_guard lock(run_.mutex_);
    run_.table_.postpone_commit(token_);
  }
  CommitUnderWay(const CommitUnderWay&) = delete;
  CommitUnderWay& operator=(const CommitUnderWay&) = delete;

 private:
  Run& run_;
  const LeaseToken token_;
};

absl::Status Run::commit(const UnitCommit& commit) {
  if (!knows(commit.unit)) return absl::InvalidArgumentError("no such unit");
  {
    const std::lock_guard lock(mutex_);
    const auto step = table_.begin_commit(commit.token, commit.unit);
    if (!step.ok()) return step.status();
    if (*step == LeaseTable::CommitStep::kDuplicate) return absl::OkStatus();
  }
  // The lease is held: it neither expires nor ends meanwhile.
  // Where the commit has been ended or refused there is no such lease any more,
  // and its destructor does nothing.
  const CommitUnderWay under_way(*this, commit.token);
  if (auto status = check_commit(commit); !status.ok()) {
    // That the coordinator cannot look now says nothing about the part.
    if (absl::IsUnavailable(status)) return status;
    return refuse_commit(commit, std::move(status));
  }
  // On disk first: who dies between the two has told nobody, and the worker
  // that asks again is answered by the ledger.
  if (auto status = ledger_.commit(commit); !status.ok()) {
    note_broken_ledger(status);
    return absl::UnavailableError(std::string(status.message()));
  }
  // Goes before under_way does, whose destructor takes it again.
  const std::lock_guard lock(mutex_);
  const std::int64_t samples = commit.samples_ok + commit.samples_failed;
  table_.end_commit(commit.token, samples);
  samples_this_epoch_ += samples;
  add_commit_locked(commit);
  changed_locked();
  return absl::OkStatus();
}

void Run::drain(std::string_view who) {
  {
    const std::lock_guard lock(mutex_);
    if (draining_) return;
    draining_ = true;
    changed_locked();
  }
  log_("draining (" + std::string(who) + "): no further unit is handed out");
}

void Run::stop_now() {
  const std::lock_guard lock(mutex_);
  draining_ = true;
  stop_now_ = true;
  changed_locked();
}

// All of a process stands still at once: what workers sent meanwhile waits to
// be read, and is read before anything expires.
void Run::forgive_pause() {
  constexpr std::chrono::milliseconds kShortest(1'000);
  const auto longest = std::max(options_.lease_duration / 4, kShortest);
  std::chrono::steady_clock::duration pause{0};
  {
    const std::lock_guard lock(mutex_);
    const auto now = clock_();
    if (last_tick_) pause = now - *last_tick_;
    last_tick_ = now;
    if (pause > longest) table_.excuse_silence();
  }
  if (pause <= longest) return;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(pause);
  log_("stood still for " + std::to_string(seconds.count()) +
       " s; the leases run on");
}

void Run::tick() {
  forgive_pause();
  std::vector<Judged> lost = bury();
  bool ends = false;
  RunState state{};
  std::string reason;
  {
    const std::lock_guard lock(mutex_);
    // The first point is the first lease: waiting for workers is no work.
    if (!table_.leases().empty() || samples_this_epoch_ > 0) {
      rate_.add(clock_(), progress_locked());
    }
    ends = !ended_ && outcome_locked().has_value();
    if (ends) {
      state = state_locked();
      reason = message_locked();
    }
  }
  // Without the lock: the ledger waits for the disk.
  record(lost).IgnoreError();
  if (!ends) return;
  if (auto status = ledger_.set_state(state, reason); !status.ok()) {
    note_broken_ledger(status);
  }
  log_(reason);
  const std::lock_guard lock(mutex_);
  // From here on over() may be true and the process end: the ledger has been
  // told.
  ended_ = clock_();
  changed_locked();
}

bool Run::over() const {
  const std::lock_guard lock(mutex_);
  if (!ended_) return false;
  return stop_now_ || ledger_broken_ || table_.all_told_to_leave() ||
         clock_() - *ended_ >= linger_locked();
}

// Workers that were told to wait longer than usual hear of the end later.
std::chrono::milliseconds Run::linger_locked() const {
  const auto interval = table_.interval();
  return interval > options_.heartbeat_interval
             ? std::max(options_.linger, interval * 3 / 2)
             : options_.linger;
}

std::optional<Outcome> Run::outcome() const {
  const std::lock_guard lock(mutex_);
  return outcome_locked();
}

std::optional<Outcome> Run::outcome_locked() const {
  // First: no later failure and no signal takes back what is committed.
  if (table_.committed() == table_.units()) return Outcome::kComplete;
  if (ledger_broken_) return Outcome::kFailed;
  if (stop_now_) return fatal_.empty() ? Outcome::kDrained : Outcome::kFailed;
  if (!table_.leases().empty()) return std::nullopt;
  if (!fatal_.empty()) return Outcome::kFailed;
  // Given up are all that are left, whether or not somebody drains.
  if (table_.pending() == 0) return Outcome::kFailed;
  if (draining_) return Outcome::kDrained;
  return std::nullopt;
}

bool Run::leaving_locked() const {
  return draining_ || !fatal_.empty() || outcome_locked().has_value();
}

std::uint64_t Run::wait_for_change(std::uint64_t revision,
                                   std::chrono::milliseconds timeout) const {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, timeout, [&] {
    return watchers_dismissed_ || revision_ != revision;
  });
  return revision_;
}

void Run::wait_unless_dismissed(std::chrono::milliseconds timeout) const {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, timeout, [&] { return watchers_dismissed_; });
}

void Run::dismiss_watchers() {
  const std::lock_guard lock(mutex_);
  watchers_dismissed_ = true;
  changed_.notify_all();
}

bool Run::watchers_dismissed() const {
  const std::lock_guard lock(mutex_);
  return watchers_dismissed_;
}

bool Run::knows(UnitIndex unit) const {
  return to_int(unit) >= 0 &&
         static_cast<std::size_t>(to_int(unit)) < manifest_.units.size();
}

const storage::Unit& Run::unit_of(UnitIndex unit) const {
  return manifest_.units[static_cast<std::size_t>(to_int(unit))];
}

// Invariant: what the ledger says of a unit fits the manifest, and its part is
// on disk.
absl::Status Run::check_commit(const UnitCommit& commit) const {
  const storage::Unit& unit = unit_of(commit.unit);
  const std::int64_t samples = commit.samples_ok + commit.samples_failed;
  if (commit.samples_ok < 0 || commit.samples_failed < 0 || commit.tokens < 0 ||
      samples != unit.samples) {
    return absl::InvalidArgumentError(
        "the unit has " + std::to_string(unit.samples) +
        " samples, the commit has " + std::to_string(samples));
  }
  auto status = check_part_name(commit.receipt.file_name, unit.dataset);
  if (!status.ok()) return status;
  return check_part_file(options_.root / commit.receipt.file_name,
                         commit.receipt.bytes, options_.part_patience);
}

void Run::add_commit_locked(const UnitCommit& commit) {
  for (auto& [name, counts] : datasets_) {
    if (name != unit_of(commit.unit).dataset) continue;
    counts.done += commit.samples_ok + commit.samples_failed;
    counts.failed += commit.samples_failed;
  }
}

void Run::changed_locked() {
  ++revision_;
  changed_.notify_all();
}

std::int64_t Run::progress_locked() const {
  std::int64_t samples = samples_this_epoch_;
  for (const auto& [token, lease] : table_.leases()) {
    samples += std::clamp<std::int64_t>(lease.samples_done, 0,
                                        unit_of(lease.unit).samples);
  }
  return samples;
}

}  // namespace lens::coordinator
