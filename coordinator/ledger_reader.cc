#include "coordinator/ledger_reader.h"

#include <system_error>
#include <utility>

#include "coordinator/ledger_tables.h"
#include "coordinator/sqlite.h"

namespace lens::coordinator {
namespace {

// Longer than another reader's glance.
constexpr int kBusyTimeoutMs = 300;

absl::Status explain(const absl::Status& status,
                     const std::filesystem::path& file) {
  const std::string why = " (" + std::string(status.message()) + ")";
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
      return absl::UnavailableError("cannot read " + file.string() +
                                    " (held by a running coordinator)");
    case absl::StatusCode::kDataLoss:
      return absl::DataLossError(
          "cannot use " + file.string() + why +
          "; move it away and start the run again: it is rebuilt from the "
          "parts");
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
  auto database = Database::open(file, Database::Mode::kExisting);
  if (!database.ok()) return explain(database.status(), file);
  database->set_busy_timeout_ms(kBusyTimeoutMs);
  return database;
}

absl::StatusOr<LedgerContents> read_in_one_transaction(Database& database) {
  if (auto status = database.execute("BEGIN"); !status.ok()) return status;
  auto contents = read_contents(database);
  database.execute("ROLLBACK").IgnoreError();
  return contents;
}

}  // namespace

absl::StatusOr<LedgerReader> LedgerReader::open(
    const std::filesystem::path& file) {
  auto database = open_existing(file);
  if (!database.ok()) return database.status();
  auto contents = read_in_one_transaction(*database);
  if (!contents.ok()) return explain(contents.status(), file);
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
                           std::string_view reason) {
  auto database = open_existing(file);
  if (!database.ok()) return database.status();
  absl::Status status = database->execute("BEGIN IMMEDIATE");
  if (status.ok()) status = read_contents(*database).status();
  if (status.ok()) status = write_state(*database, state, reason);
  if (status.ok()) status = database->execute("COMMIT");
  return status.ok() ? status : explain(status, file);
}

}  // namespace lens::coordinator
