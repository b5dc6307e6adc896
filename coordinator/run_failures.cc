// What a run does about leases that end without a commit.

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/utf8.h"
#include "coordinator/run.h"
#include "storage/crash_note.h"
#include "storage/work_note.h"

namespace lens::coordinator {
namespace {

// A reason is shown in one line.
constexpr std::size_t kReasonBytes = 500;

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  if (text.size() <= kReasonBytes) return text;
  return std::string(first_bytes(text, kReasonBytes)) + "...";
}

void blame(const storage::CrashNote& note, UnitFailure& failure) {
  failure.failure_class =
      note.killed ? FailureClass::kKilled : FailureClass::kCrash;
  failure.sample_id = one_line(note.sample_id);
  failure.reason = one_line(note.reason);
}

std::string name_of(const storage::Unit& unit) {
  return "unit " + std::to_string(unit.index) + " (" + unit.dataset + " rows " +
         std::to_string(unit.row_begin) + " to " +
         std::to_string(unit.row_end - 1) + ")";
}

}  // namespace

absl::Status Run::fail(UnitFailure failure) {
  if (!knows(failure.unit)) return absl::InvalidArgumentError("no such unit");
  failure.reason = one_line(std::move(failure.reason));
  failure.sample_id = one_line(std::move(failure.sample_id));
  Judged judged{std::move(failure), std::nullopt};
  {
    const std::lock_guard lock(mutex_);
    const auto lease =
        table_.release(judged.failure.token, judged.failure.unit);
    if (!lease) return absl::OkStatus();  // reported before, or expired
    judged.failure.attempt = lease->attempt;
    judged.quarantined = judge_locked(judged.failure);
    changed_locked();
  }
  return record(judged);
}

// Counts as a failure of the store, or a worker that always does the same wrong
// would get the unit for ever.
absl::Status Run::refuse_commit(const UnitCommit& commit, absl::Status why) {
  Judged judged{{.unit = commit.unit,
                 .token = commit.token,
                 .attempt = 0,
                 .failure_class = FailureClass::kStore,
                 .sample_id = "",
                 .reason = one_line(std::string(why.message())),
                 .counted = false},
                std::nullopt};
  {
    const std::lock_guard lock(mutex_);
    if (const auto lease = table_.abort_commit(commit.token)) {
      judged.failure.attempt = lease->attempt;
    }
    judged.quarantined = judge_locked(judged.failure);
    changed_locked();
  }
  if (auto status = record(judged); !status.ok()) return status;
  return why;
}

absl::Status Run::adopt_crash_notes() {
  const storage::RunDirectory directory(options_.root);
  for (const storage::CrashNote& note : storage::read_crash_notes(directory)) {
    Judged judged;
    if (adopts(note, judged)) {
      if (auto status = record(judged); !status.ok()) return status;
    } else if (const std::lock_guard lock(mutex_);
               table_.leases().contains(LeaseToken{note.epoch, note.number})) {
      continue;  // read when the lease ends
    }
    storage::remove_crash_note(directory, note);
  }
  return absl::OkStatus();
}

// False where the note counts for nothing, or not yet.
bool Run::adopts(const storage::CrashNote& note, Judged& judged) {
  const UnitIndex unit{note.unit};
  const LeaseToken token{note.epoch, note.number};
  // The end of everything, not of a worker alone.
  if (note.killed && note.epoch != epoch()) return false;
  if (!knows(unit)) return false;
  const std::lock_guard lock(mutex_);
  if (counted_.contains(token) || table_.is_committed(unit) ||
      table_.leases().contains(token)) {
    return false;
  }
  judged.failure.unit = unit;
  judged.failure.token = token;
  blame(note, judged.failure);
  judged.quarantined = judge_locked(judged.failure);
  changed_locked();
  return true;
}

absl::Status Run::record(const Judged& judged) {
  const UnitFailure& failure = judged.failure;
  log_("unit " + std::to_string(to_int(failure.unit)) + " attempt " +
       std::to_string(failure.attempt) + ": " +
       std::string(failure_class_name(failure.failure_class)) +
       (failure.sample_id.empty() ? "" : ", sample " + failure.sample_id) +
       " (" + failure.reason + ")" +
       (judged.quarantined ? "; it is recorded as failed" : ""));
  auto status = ledger_.record({&failure, 1}, judged.quarantined);
  if (status.ok()) return status;
  note_broken_ledger(status);
  return absl::UnavailableError(std::string(status.message()));
}

absl::Status Run::record(const std::vector<Judged>& all) {
  const storage::RunDirectory directory(options_.root);
  for (const Judged& judged : all) {
    if (auto status = record(judged); !status.ok()) return status;
    const UnitFailure& failure = judged.failure;
    if (failure.failure_class != FailureClass::kCrash &&
        failure.failure_class != FailureClass::kKilled) {
      continue;
    }
    // In the ledger: the note has served.
    storage::CrashNote note;
    note.unit = to_int(failure.unit);
    note.epoch = failure.token.epoch;
    note.number = failure.token.number;
    storage::remove_crash_note(directory, note);
  }
  return absl::OkStatus();
}

void Run::note_broken_ledger(const absl::Status& status) {
  const std::lock_guard lock(mutex_);
  ledger_broken_ = true;
  fatal_ = std::string(status.message());
  changed_locked();
}

std::optional<QuarantinedSample> Run::judge_locked(UnitFailure& failure) {
  const Verdict verdict = history_.add(failure);
  if (failure.counted) counted_.insert(failure.token);
  switch (verdict) {
    case Verdict::kRetry:
      return std::nullopt;
    case Verdict::kQuarantineSample:
      for (QuarantinedSample& sample : history_.quarantined(failure.unit)) {
        if (sample.sample_id == failure.sample_id) return std::move(sample);
      }
      return std::nullopt;
    case Verdict::kGiveUpUnit:
      table_.give_up(failure.unit);
      return std::nullopt;
    case Verdict::kFailRun:
      if (failure.failure_class == FailureClass::kInput) {
        fatal_ = failure.reason;
        return std::nullopt;
      }
      fatal_ = name_of(unit_of(failure.unit)) + " failed " +
               std::to_string(FailureHistory::kRetriesOfUnit + 1) + " times (" +
               std::string(failure_class_name(failure.failure_class)) + ": " +
               failure.reason + ")";
      return std::nullopt;
  }
  return std::nullopt;
}

Run::Notes Run::read_notes(std::span<const Lease> leases) const {
  const storage::RunDirectory directory(options_.root);
  Notes notes;
  for (const Lease& lease : leases) {
    auto note = storage::read_crash_note(directory, to_int(lease.unit),
                                         lease.token.epoch, lease.token.number);
    if (note) notes.emplace(lease.token, *std::move(note));
  }
  return notes;
}

// A lease that ended with its worker is lost, unless there is a note of it.
void Run::judge_ended_locked(std::span<const Lease> leases, const Notes& notes,
                             std::string_view reason,
                             std::vector<Judged>& all) {
  for (const Lease& lease : leases) {
    Judged& judged = all.emplace_back();
    UnitFailure& failure = judged.failure;
    failure.unit = lease.unit;
    failure.token = lease.token;
    failure.attempt = lease.attempt;
    failure.failure_class = FailureClass::kLost;
    failure.reason = reason;
    const auto note = notes.find(lease.token);
    if (note != notes.end()) blame(note->second, failure);
    judged.quarantined = judge_locked(failure);
  }
}

// Ends the leases of workers that are known or presumed dead.
std::vector<Run::Judged> Run::bury() {
  std::vector<Lease> leases;
  std::vector<Worker> gone;
  {
    const std::lock_guard lock(mutex_);
    leases = table_.overdue();
    if (options_.process_gone) {
      gone = table_.silent();
    }
  }
  std::erase_if(gone, [&](const Worker& worker) {
    return !options_.process_gone(worker.identity);
  });
  // Files are looked at without the lock: heartbeats must not wait for them.
  if (!gone.empty()) {
    // Before the notes are read: it makes them, of what processes that were
    // killed had been at.
    storage::settle_work_notes(storage::RunDirectory(options_.root));
    const std::lock_guard lock(mutex_);
    for (const Worker& worker : gone) {
      std::ranges::copy(table_.leases_of(worker.id),
                        std::back_inserter(leases));
    }
  }
  const Notes notes = read_notes(leases);

  std::vector<Judged> all;
  const std::lock_guard lock(mutex_);
  // Looked at again: a heartbeat or a commit may have come while files were
  // read.
  judge_ended_locked(table_.expire(leases), notes,
                     "no heartbeat from its worker", all);
  for (const Worker& worker : gone) {
    judge_ended_locked(table_.leave(worker.id), notes,
                       "its worker's process ended", all);
  }
  table_.forget_silent();
  if (!all.empty() || !gone.empty()) changed_locked();
  return all;
}

}  // namespace lens::coordinator
