// What a run does about leases that end without a commit.

#include <algorithm>
#include <utility>

#include "coordinator/run.h"

namespace lens::coordinator {
namespace {

// A reason is shown in one line. Cut where a UTF-8 character begins.
constexpr std::size_t kReasonBytes = 500;

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  if (text.size() <= kReasonBytes) return text;
  std::size_t end = kReasonBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) {
    --end;
  }
  return text.substr(0, end) + "...";
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
  std::optional<QuarantinedSample> quarantined;
  {
    const std::lock_guard lock(mutex_);
    const auto lease = table_.release(failure.token, failure.unit);
    if (!lease) return absl::OkStatus();  // reported before, or expired
    failure.attempt = lease->attempt;
    quarantined = judge_locked(failure);
    changed_locked();
  }
  return record({&failure, 1}, quarantined);
}

// Counts as a failure of the store, or a worker that always does the same wrong
// would get the unit for ever.
absl::Status Run::refuse_commit(const UnitCommit& commit, absl::Status why) {
  UnitFailure failure{.unit = commit.unit,
                      .token = commit.token,
                      .attempt = 0,
                      .failure_class = FailureClass::kStore,
                      .sample_id = "",
                      .reason = one_line(std::string(why.message())),
                      .counted = false};
  std::optional<QuarantinedSample> quarantined;
  {
    const std::lock_guard lock(mutex_);
    if (const auto lease = table_.abort_commit(commit.token)) {
      failure.attempt = lease->attempt;
    }
    quarantined = judge_locked(failure);
    changed_locked();
  }
  if (auto status = record({&failure, 1}, quarantined); !status.ok()) {
    return status;
  }
  return why;
}

absl::Status Run::record(std::span<const UnitFailure> failures,
                         const std::optional<QuarantinedSample>& quarantined) {
  if (failures.empty()) return absl::OkStatus();
  for (const UnitFailure& failure : failures) {
    log_("unit " + std::to_string(to_int(failure.unit)) + " attempt " +
         std::to_string(failure.attempt) + ": " +
         std::string(failure_class_name(failure.failure_class)) + " (" +
         failure.reason + ")");
  }
  auto status = ledger_.record(failures, quarantined);
  if (status.ok()) return status;
  note_broken_ledger(status);
  return absl::UnavailableError(std::string(status.message()));
}

void Run::note_broken_ledger(const absl::Status& status) {
  const std::lock_guard lock(mutex_);
  ledger_broken_ = true;
  fatal_ = std::string(status.message());
  changed_locked();
}

std::optional<QuarantinedSample> Run::judge_locked(UnitFailure& failure) {
  switch (history_.add(failure)) {
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
      fatal_ = name_of(unit_of(failure.unit)) + " failed " +
               std::to_string(FailureHistory::kRetriesOfUnit + 1) + " times (" +
               std::string(failure_class_name(failure.failure_class)) + ": " +
               failure.reason + ")";
      return std::nullopt;
  }
  return std::nullopt;
}

std::vector<UnitFailure> Run::lost_locked(const std::vector<Lease>& leases,
                                          std::string_view reason) {
  std::vector<UnitFailure> failures;
  for (const Lease& lease : leases) {
    UnitFailure& failure = failures.emplace_back();
    failure.unit = lease.unit;
    failure.token = lease.token;
    failure.attempt = lease.attempt;
    failure.failure_class = FailureClass::kLost;
    failure.reason = reason;
    judge_locked(failure);
  }
  return failures;
}

}  // namespace lens::coordinator
