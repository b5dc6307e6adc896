#include "coordinator/ledger_reader.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "coordinator/file_lock.h"
#include "coordinator/ledger_tables.h"
#include "coordinator/sqlite.h"

namespace lens::coordinator {
namespace {

absl::Status explain(const absl::Status& status,
                     const std::filesystem::path& file) {
  const std::string why = " (" + std::string(status.message()) + ")";
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
      if (!FileLock::held(coordinator_lock(file))) return foreign_lock(file);
      return absl::UnavailableError("cannot read " + file.string() +
                                    " (held by a running coordinator)");
    case absl::StatusCode::kDataLoss:
      return absl::DataLossError(
          "cannot use " + file.string() + why +
          "; move it away and start the run again: it is rebuilt from the "
          "parts");
    case absl::StatusCode::kNotFound:
      return status;
    default:
      return {status.code(), "cannot read " + file.string() + why};
  }
}

// With write access where there is any: the journal of a coordinator that was
// killed has to be rolled back before the first read.
absl::StatusOr<Database> open_existing(const std::filesystem::path& file) {
  std::error_code error;
  if (!std::filesystem::exists(file, error)) {
    return absl::NotFoundError("there is no " + file.string() +
                               " (the run has not started)");
  }
  return Database::open(file, Database::Mode::kExisting);
}

// One transaction. The tables come with the first commit of a coordinator: a
// file without them is what a kill, or a full disk, left of its birth.
absl::StatusOr<LedgerContents> read_in_one_transaction(
    Database& database, const char* begin, const std::filesystem::path& file) {
  if (auto status = database.execute(begin); !status.ok()) return status;
  auto born = has_tables(database);
  if (!born.ok()) return born.status();
  if (!*born) {
    return absl::NotFoundError("nothing is in " + file.string() +
                               " (the run has not started)");
  }
  return read_contents(database);
}

// Another reader's glance, or the moment in which a coordinator starts.
constexpr auto kMoment = std::chrono::milliseconds(300);

// A coordinator is not waited for: it can be asked instead.
LockWait patience_with(const std::filesystem::path& file, LockWait wait) {
  if (FileLock::held(coordinator_lock(file)))
    wait.patience = std::min(wait.patience, kMoment);
  return wait;
}

// Reads, then `change`s within the same transaction.
template <typename Change>
absl::StatusOr<LedgerContents> with_contents(const std::filesystem::path& file,
                                             const LockWait& wait,
                                             const char* begin, Change change) {
  auto database = open_existing(file);
  if (!database.ok()) return explain(database.status(), file);
  const auto undo = [&] { database->execute("ROLLBACK").IgnoreError(); };
  auto contents = while_locked(
      file, patience_with(file, wait),
      [&]() -> absl::StatusOr<LedgerContents> {
        auto read = read_in_one_transaction(*database, begin, file);
        if (!read.ok()) return read;
        if (auto status = change(*database); !status.ok()) return status;
        return read;
      },
      undo);
  if (contents.ok()) return contents;
  undo();
  return explain(contents.status(), file);
}

}  // namespace

absl::StatusOr<LedgerReader> LedgerReader::open(
    const std::filesystem::path& file, const LockWait& wait) {
  auto contents = with_contents(file, wait, "BEGIN", [](Database& database) {
    return database.execute("ROLLBACK");
  });
  if (!contents.ok()) return contents.status();
  return LedgerReader(*std::move(contents));
}

LedgerReader::LedgerReader(LedgerContents contents)
    : contents_(std::move(contents)) {}

RunState LedgerReader::state() const {
  return contents_.state == RunState::kRunning ? RunState::kInterrupted
                                               : contents_.state;
}

std::vector<storage::CommittedPart> LedgerReader::committed_parts() const {
  std::vector<storage::CommittedPart> parts;
  parts.reserve(contents_.commits.size());
  for (const UnitCommit& commit : contents_.commits) {
    parts.push_back({.unit = to_int(commit.unit), .receipt = commit.receipt});
  }
  return parts;
}

std::map<std::string, DatasetCounts> LedgerReader::counts(
    const storage::Manifest& manifest) const {
  std::map<std::string, DatasetCounts> counts;
  for (const storage::DatasetInput& dataset : manifest.datasets) {
    counts[dataset.name];
  }
  for (const storage::Unit& unit : manifest.units) {
    counts[unit.dataset].total += unit.samples;
  }
  for (const UnitCommit& commit : contents_.commits) {
    const auto index = static_cast<std::size_t>(to_int(commit.unit));
    if (index >= manifest.units.size()) continue;
    DatasetCounts& entry = counts[manifest.units[index].dataset];
    entry.done += commit.samples_ok + commit.samples_failed;
    entry.failed += commit.samples_failed;
  }
  return counts;
}

absl::Status set_run_state(const std::filesystem::path& file, RunState state,
                           const LockWait& wait) {
  return with_contents(file, wait, "BEGIN IMMEDIATE",
                       [state](Database& database) {
                         auto status = write_state(database, state, "");
                         if (!status.ok()) return status;
                         return database.execute("COMMIT");
                       })
      .status();
}

}  // namespace lens::coordinator
