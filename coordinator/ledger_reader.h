#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/ledger_lock.h"
#include "coordinator/records.h"
#include "storage/manifest.h"
#include "storage/part_receipt.h"

namespace lens::coordinator {

// The ledger as it is while no coordinator runs. Reads everything at once and
// lets go of the file: a coordinator can start at any time.
class LedgerReader {
 public:
  // NOT_FOUND: there is no ledger, or one whose birth was cut short: the run
  // has not started. UNAVAILABLE: "held by a running coordinator": ask that
  // instead. ABORTED: held by another program. DATA_LOSS: damaged.
  static absl::StatusOr<LedgerReader> open(
      const std::filesystem::path& file,
      const LockWait& wait = {.patience = std::chrono::seconds(3)});

  const LedgerContents& contents() const { return contents_; }

  // Never kRunning: who can read the ledger knows that no coordinator runs, so
  // that a run left in the state "running" was interrupted.
  RunState state() const;

  // In unit order, as merge and verify want them.
  std::vector<storage::CommittedPart> committed_parts() const;

  // One entry per data set of the manifest.
  std::map<std::string, DatasetCounts> counts(
      const storage::Manifest& manifest) const;

 private:
  explicit LedgerReader(LedgerContents contents);

  LedgerContents contents_;
};

// For the merge, after the coordinator has exited. Errors as
// LedgerReader::open.
absl::Status set_run_state(const std::filesystem::path& file, RunState state,
                           const LockWait& wait = {});

}  // namespace lens::coordinator
