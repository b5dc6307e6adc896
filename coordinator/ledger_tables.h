#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/records.h"
#include "coordinator/sqlite.h"

namespace lens::coordinator {

// The tables of ledger.sqlite and the statements on them. The schema is on
// disk: raise kLedgerVersion when it changes, and keep reading older ones.
//
//   meta        key, value: version, run_id, config_sha256, epoch, state,
//               reason
//   commits     one row per unit that is done
//   failures    one row per attempt that ended without a part, (epoch, number)
//               unique: a failure reported twice is stored once
//   quarantine  samples that are recorded as failed instead of being run
inline constexpr int kLedgerVersion = 1;

// Whether there are any. A ledger whose birth was cut short has none: its run
// has not started.
absl::StatusOr<bool> has_tables(Database& database);

// Must run inside a transaction.
absl::Status create_tables(Database& database);

absl::StatusOr<std::optional<std::string>> read_meta(Database& database,
                                                     std::string_view key);
absl::Status write_meta(Database& database, std::string_view key,
                        std::string_view value);

// ALREADY_EXISTS where the unit is committed with another token; the same
// commit again is OK.
absl::Status insert_commit(Database& database, const UnitCommit& commit);
absl::Status delete_commit(Database& database, UnitIndex unit);
absl::Status insert_failure(Database& database, const UnitFailure& failure);
absl::Status insert_quarantined(Database& database,
                                const QuarantinedSample& sample);
// Failures without a sample no longer count: the user asked to try again.
absl::Status forgive_unit_failures(Database& database);

absl::Status write_state(Database& database, RunState state,
                         std::string_view reason);

// DATA_LOSS where the tables are not those of a ledger this version knows.
absl::StatusOr<LedgerContents> read_contents(Database& database);

}  // namespace lens::coordinator
