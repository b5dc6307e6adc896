#pragma once

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/file_lock.h"
#include "coordinator/ledger_lock.h"
#include "coordinator/records.h"
#include "coordinator/sqlite.h"

namespace lens::coordinator {

// What is committed, failed and quarantined, durably: ledger.sqlite, held
// exclusively for the life of this object, as is .coordinator.lock beside it:
// that one tells another coordinator from any program that reads the ledger.
// One per run, in the coordinator.
//
// Every call returns after its change is synced to disk. Calls that come while
// a transaction is being synced share the next one, so that the number of syncs
// does not grow with the number of workers. Thread-safe. Never throws; after
// the first failed write every later one fails with the same status, because
// what is on disk is then not known: the coordinator has to end.
class Ledger {
 public:
  struct Identity {
    std::string run_id;
    std::string config_sha256;
  };

  // Opens or creates; a lock of another program is waited for. UNAVAILABLE:
  // another coordinator holds it. ABORTED: another program does not let go of
  // it. FAILED_PRECONDITION: it is another run's. DATA_LOSS: not a ledger,
  // damaged, or of another version. One line each, with the remedy.
  static absl::StatusOr<std::unique_ptr<Ledger>> open(
      const std::filesystem::path& file, const Identity& identity,
      const LockWait& wait = {});
  ~Ledger();
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  // As found when opened.
  const LedgerContents& contents() const { return contents_; }

  // No coordinator has served from it yet: where parts lie on disk already,
  // the ledger was lost and is to be rebuilt from them.
  bool is_new() const { return contents_.epoch == 0; }

  // Raises the epoch above its last value and above `floor`, takes up
  // `rebuilt` commits, drops those of `lost` units, and sets the state to
  // running unless the run is and stays complete; all in one transaction. After
  // a failed run, failures that no sample caused are forgiven. Updates
  // contents(). To be called once, before anything is served.
  absl::Status begin_epoch(std::uint64_t floor,
                           std::span<const UnitCommit> rebuilt,
                           std::span<const UnitIndex> lost = {});

  // ALREADY_EXISTS: the unit is committed by another lease; nothing changed.
  absl::Status commit(const UnitCommit& commit);
  absl::Status record(std::span<const UnitFailure> failures,
                      const std::optional<QuarantinedSample>& quarantined);
  absl::Status set_state(RunState state, std::string_view reason);

  // Transactions so far: fewer than commits where commits were grouped.
  std::int64_t transactions() const;

 private:
  using Change = std::function<absl::Status(Database&)>;
  struct Request {
    Change change;
    absl::Status status;
    bool done = false;
  };

  Ledger(FileLock lock, Database database, LedgerContents contents);
  absl::Status apply(Change change);
  void write_groups(std::stop_token stop);
  absl::Status write_group(std::span<Request* const> group);

  const FileLock lock_;
  LedgerContents contents_;  // constant once served from

  mutable std::mutex mutex_;
  std::condition_variable_any work_;
  std::condition_variable done_;
  std::vector<Request*> queue_;    // guarded by mutex_
  absl::Status broken_;            // guarded by mutex_
  std::int64_t transactions_ = 0;  // guarded by mutex_
  Database database_;              // of the writer thread only
  std::jthread writer_;            // last: stops before the rest goes
};

}  // namespace lens::coordinator
