#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/ids.h"
#include "storage/lease.h"
#include "storage/part_receipt.h"

namespace lens::coordinator {

// The names reach disk and `lens status --json`: they must not change.
enum class RunState { kRunning, kMerging, kComplete, kInterrupted, kFailed };
std::string_view run_state_name(RunState state);
std::optional<RunState> run_state_from_name(std::string_view name);

using storage::FailureClass;
// "lost", "crash", "out of memory", "check", "store", "killed", "input".
std::string_view failure_class_name(FailureClass failure_class);

// A unit that is done: its part is on disk, whole.
struct UnitCommit {
  UnitIndex unit{};
  LeaseToken token;
  storage::PartReceipt receipt;
  std::int64_t samples_ok = 0;
  std::int64_t samples_failed = 0;
  std::int64_t tokens = 0;

  bool operator==(const UnitCommit&) const = default;
};

// An attempt at a unit that ended without a part.
struct UnitFailure {
  UnitIndex unit{};
  LeaseToken token;
  int attempt = 0;
  FailureClass failure_class = FailureClass::kLost;
  std::string sample_id;  // where one is known to be the cause
  std::string reason;
  bool counted = false;  // against the unit or the sample

  bool operator==(const UnitFailure&) const = default;
};

// A sample that is not run again but recorded as failed.
struct QuarantinedSample {
  UnitIndex unit{};
  std::string sample_id;
  std::string reason;

  bool operator==(const QuarantinedSample&) const = default;
};

// Samples of one data set.
struct DatasetCounts {
  std::int64_t total = 0;
  std::int64_t done = 0;    // committed, ok or failed
  std::int64_t failed = 0;  // committed as failed

  bool operator==(const DatasetCounts&) const = default;
};

// Everything the ledger holds.
struct LedgerContents {
  std::string run_id;
  std::string config_sha256;
  std::uint64_t epoch = 0;  // of the latest coordinator
  RunState state = RunState::kRunning;
  std::string reason;                          // of the state, for people
  std::vector<UnitCommit> commits;             // in unit order
  std::vector<UnitFailure> failures;           // oldest first
  std::vector<QuarantinedSample> quarantined;  // in unit order
};

}  // namespace lens::coordinator
