#include "coordinator/ledger_tables.h"

#include <charconv>
#include <utility>

namespace lens::coordinator {
namespace {

constexpr char kSchema[] = R"sql(
  CREATE TABLE IF NOT EXISTS meta(
    key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS commits(
    unit INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, number INTEGER NOT NULL,
    part_file TEXT NOT NULL, part_bytes INTEGER NOT NULL,
    content_sha256 TEXT NOT NULL, samples_ok INTEGER NOT NULL,
    samples_failed INTEGER NOT NULL, tokens INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS failures(
    id INTEGER PRIMARY KEY, unit INTEGER NOT NULL, epoch INTEGER NOT NULL,
    number INTEGER NOT NULL, attempt INTEGER NOT NULL, class INTEGER NOT NULL,
    sample_id TEXT NOT NULL, reason TEXT NOT NULL, counted INTEGER NOT NULL,
    UNIQUE(epoch, number));
  CREATE TABLE IF NOT EXISTS quarantine(
    unit INTEGER NOT NULL, sample_id TEXT NOT NULL, reason TEXT NOT NULL,
    PRIMARY KEY(unit, sample_id)) WITHOUT ROWID;
)sql";

// SQLite knows signed integers alone; the cast back gives the same bits.
std::int64_t as_stored(std::uint64_t value) {
  return static_cast<std::int64_t>(value);
}

LeaseToken token_at(const Statement& row, int column) {
  return {static_cast<std::uint64_t>(row.integer(column)),
          static_cast<std::uint64_t>(row.integer(column + 1))};
}

UnitIndex unit_at(const Statement& row, int column) {
  return UnitIndex{static_cast<std::int32_t>(row.integer(column))};
}

// Calls `read` for every row of `sql`.
template <typename Read>
absl::Status for_each_row(Database& database, const char* sql, Read read) {
  auto statement = database.prepare(sql);
  if (!statement.ok()) return statement.status();
  while (true) {
    auto row = statement->step();
    if (!row.ok()) return row.status();
    if (!*row) return absl::OkStatus();
    read(*statement);
  }
}

absl::Status read_commits(Database& database, LedgerContents& contents) {
  return for_each_row(
      database,
      "SELECT unit, epoch, number, part_file, part_bytes, content_sha256,"
      " samples_ok, samples_failed, tokens FROM commits ORDER BY unit",
      [&](const Statement& row) {
        contents.commits.push_back({.unit = unit_at(row, 0),
                                    .token = token_at(row, 1),
                                    .receipt = {.file_name = row.text(3),
                                                .bytes = row.integer(4),
                                                .content_sha256 = row.text(5)},
                                    .samples_ok = row.integer(6),
                                    .samples_failed = row.integer(7),
                                    .tokens = row.integer(8)});
      });
}

absl::Status read_failures(Database& database, LedgerContents& contents) {
  return for_each_row(
      database,
      "SELECT unit, epoch, number, attempt, class, sample_id, reason, counted"
      " FROM failures ORDER BY id",
      [&](const Statement& row) {
        contents.failures.push_back(
            {.unit = unit_at(row, 0),
             .token = token_at(row, 1),
             .attempt = static_cast<int>(row.integer(3)),
             .failure_class = static_cast<FailureClass>(row.integer(4)),
             .sample_id = row.text(5),
             .reason = row.text(6),
             .counted = row.integer(7) != 0});
      });
}

absl::Status read_quarantine(Database& database, LedgerContents& contents) {
  return for_each_row(
      database,
      "SELECT unit, sample_id, reason FROM quarantine"
      " ORDER BY unit, sample_id",
      [&](const Statement& row) {
        contents.quarantined.push_back({.unit = unit_at(row, 0),
                                        .sample_id = row.text(1),
                                        .reason = row.text(2)});
      });
}

absl::Status read_head(Database& database, LedgerContents& contents) {
  std::string version, epoch, state;
  const std::pair<const char*, std::string*> fields[] = {
      {"version", &version},
      {"run_id", &contents.run_id},
      {"config_sha256", &contents.config_sha256},
      {"epoch", &epoch},
      {"state", &state},
      {"reason", &contents.reason}};
  for (const auto& [key, value] : fields) {
    auto read = read_meta(database, key);
    if (!read.ok()) return read.status();
    if (!read->has_value()) {
      return absl::DataLossError(std::string("no ") + key + " in the ledger");
    }
    *value = **std::move(read);
  }
  if (version != std::to_string(kLedgerVersion)) {
    return absl::DataLossError("ledger version " + version +
                               ", this program knows " +
                               std::to_string(kLedgerVersion));
  }
  const auto known_state = run_state_from_name(state);
  const char* const end = epoch.data() + epoch.size();
  const auto parsed = std::from_chars(epoch.data(), end, contents.epoch);
  if (!known_state || parsed.ec != std::errc() || parsed.ptr != end) {
    return absl::DataLossError("bad epoch or state in the ledger");
  }
  contents.state = *known_state;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<bool> has_tables(Database& database) {
  auto statement = database.prepare("SELECT count(*) FROM sqlite_master");
  if (!statement.ok()) return statement.status();
  auto row = statement->step();
  if (!row.ok()) return row.status();
  return statement->integer(0) > 0;
}

absl::Status create_tables(Database& database) {
  return database.execute(kSchema);
}

absl::StatusOr<std::optional<std::string>> read_meta(Database& database,
                                                     std::string_view key) {
  auto statement = database.prepare("SELECT value FROM meta WHERE key = ?");
  if (!statement.ok()) return statement.status();
  auto row = statement->bind(1, key).step();
  if (!row.ok()) return row.status();
  if (!*row) return std::nullopt;
  return std::optional<std::string>(statement->text(0));
}

absl::Status write_meta(Database& database, std::string_view key,
                        std::string_view value) {
  auto statement =
      database.prepare("INSERT OR REPLACE INTO meta(key, value) VALUES(?, ?)");
  if (!statement.ok()) return statement.status();
  return statement->bind(1, key).bind(2, value).run();
}

absl::Status insert_commit(Database& database, const UnitCommit& commit) {
  auto statement = database.prepare(
      "INSERT INTO commits(unit, epoch, number, part_file, part_bytes,"
      " content_sha256, samples_ok, samples_failed, tokens)"
      " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(unit) DO NOTHING");
  if (!statement.ok()) return statement.status();
  auto status = statement->bind(1, to_int(commit.unit))
                    .bind(2, as_stored(commit.token.epoch))
                    .bind(3, as_stored(commit.token.number))
                    .bind(4, commit.receipt.file_name)
                    .bind(5, commit.receipt.bytes)
                    .bind(6, commit.receipt.content_sha256)
                    .bind(7, commit.samples_ok)
                    .bind(8, commit.samples_failed)
                    .bind(9, commit.tokens)
                    .run();
  // No row: the unit is committed already, by a call whose answer was lost or
  // by another lease.
  if (!status.ok() || database.changed_rows() == 1) return status;
  auto present =
      database.prepare("SELECT epoch, number FROM commits WHERE unit = ?");
  if (!present.ok()) return present.status();
  auto row = present->bind(1, to_int(commit.unit)).step();
  if (!row.ok()) return row.status();
  // Invariant: a unit has at most one commit.
  if (*row && token_at(*present, 0) == commit.token) return absl::OkStatus();
  return absl::AlreadyExistsError("the unit is committed by another lease");
}

absl::Status delete_commit(Database& database, UnitIndex unit) {
  auto statement = database.prepare("DELETE FROM commits WHERE unit = ?");
  if (!statement.ok()) return statement.status();
  return statement->bind(1, to_int(unit)).run();
}

absl::Status insert_failure(Database& database, const UnitFailure& failure) {
  // A lease that was recorded as lost may turn out to have been a death: the
  // note of it came late.
  auto statement = database.prepare(
      "INSERT INTO failures(unit, epoch, number, attempt, class, sample_id,"
      " reason, counted) VALUES(?, ?, ?, ?, ?, ?, ?, ?)"
      " ON CONFLICT(epoch, number) DO UPDATE SET class = excluded.class,"
      " sample_id = excluded.sample_id, reason = excluded.reason,"
      " counted = excluded.counted WHERE excluded.counted > counted");
  if (!statement.ok()) return statement.status();
  return statement->bind(1, to_int(failure.unit))
      .bind(2, as_stored(failure.token.epoch))
      .bind(3, as_stored(failure.token.number))
      .bind(4, std::int64_t{failure.attempt})
      .bind(5, static_cast<std::int64_t>(failure.failure_class))
      .bind(6, failure.sample_id)
      .bind(7, failure.reason)
      .bind(8, std::int64_t{failure.counted})
      .run();
}

absl::Status insert_quarantined(Database& database,
                                const QuarantinedSample& sample) {
  auto statement = database.prepare(
      "INSERT OR IGNORE INTO quarantine(unit, sample_id, reason)"
      " VALUES(?, ?, ?)");
  if (!statement.ok()) return statement.status();
  return statement->bind(1, to_int(sample.unit))
      .bind(2, sample.sample_id)
      .bind(3, sample.reason)
      .run();
}

absl::Status forgive_unit_failures(Database& database) {
  return database.execute(
      "UPDATE failures SET counted = 0 WHERE sample_id = ''");
}

absl::Status write_state(Database& database, RunState state,
                         std::string_view reason) {
  auto status = write_meta(database, "state", run_state_name(state));
  if (!status.ok()) return status;
  return write_meta(database, "reason", reason);
}

absl::StatusOr<LedgerContents> read_contents(Database& database) {
  LedgerContents contents;
  for (auto* read : {read_head, read_commits, read_failures, read_quarantine}) {
    if (auto status = read(database, contents); !status.ok()) return status;
  }
  return contents;
}

}  // namespace lens::coordinator
