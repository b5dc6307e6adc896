#include "coordinator/ledger.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>
#include <utility>

#include "coordinator/ledger_tables.h"

namespace lens::coordinator {
namespace {

using namespace std::chrono_literals;

// `lens status` looks whether the lock is held; that takes no time.
constexpr auto kGlance = 500ms;

// locking_mode=EXCLUSIVE: the lock taken by the first write is kept until the
// connection closes or its process dies, in whatever way.
// The journal is a plain file: the shared memory of a write-ahead log is not
// shared between hosts. FULL: what a worker is told to be committed has to
// survive a power loss.
constexpr char kPragmas[] =
    "PRAGMA locking_mode = EXCLUSIVE;"
    "PRAGMA journal_mode = DELETE;"
    "PRAGMA synchronous = FULL;";

absl::Status create(Database& database, const Ledger::Identity& identity) {
  if (auto status = create_tables(database); !status.ok()) return status;
  const std::pair<const char*, std::string> fields[] = {
      {"version", std::to_string(kLedgerVersion)},
      {"run_id", identity.run_id},
      {"config_sha256", identity.config_sha256},
      {"epoch", "0"},
      {"state", std::string(run_state_name(RunState::kRunning))},
      {"reason", ""}};
  for (const auto& [key, value] : fields) {
    if (auto status = write_meta(database, key, value); !status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<LedgerContents> load(Database& database,
                                    const Ledger::Identity& identity) {
  if (auto status = database.execute(kPragmas); !status.ok()) return status;
  if (auto status = database.execute("BEGIN EXCLUSIVE"); !status.ok()) {
    return status;
  }
  // Tables and head come in the transaction that reads them: whatever kills us
  // leaves all of it or nothing.
  auto born = has_tables(database);
  if (!born.ok()) return born.status();
  if (!*born) {
    if (auto status = create(database, identity); !status.ok()) return status;
  }
  auto contents = read_contents(database);
  if (!contents.ok()) return contents;
  if (auto status = database.execute("COMMIT"); !status.ok()) return status;
  return contents;
}

absl::Status explain(const absl::Status& status,
                     const std::filesystem::path& file) {
  const std::string why = " (" + std::string(status.message()) + "); ";
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
      return foreign_lock(file);
    case absl::StatusCode::kDataLoss:
      return absl::DataLossError(
          "cannot use " + file.string() + why +
          "move it away and start again: it is rebuilt from the parts");
    case absl::StatusCode::kResourceExhausted:
      return absl::ResourceExhaustedError(
          "cannot write " + file.string() + why +
          "make room or raise that limit, then start again");
    default:
      return {status.code(),
              "cannot open " + file.string() + why +
                  "check the rights and that the file system supports locks"};
  }
}

absl::StatusOr<FileLock> lock_out_others(const std::filesystem::path& file) {
  const std::filesystem::path name = coordinator_lock(file);
  const auto deadline = std::chrono::steady_clock::now() + kGlance;
  for (;;) {
    if (auto lock = FileLock::take(name, lock_owner("lens-coordinator")))
      return *std::move(lock);
    if (std::chrono::steady_clock::now() >= deadline) break;
    std::this_thread::sleep_for(20ms);
  }
  const std::string owner = FileLock::owner(name);
  return absl::UnavailableError(
      "another coordinator runs on this run directory (" +
      (owner.empty() ? name.string() + " is locked" : owner) +
      "); see `lens status " + file.parent_path().string() + "`");
}

absl::Status check_identity(const LedgerContents& contents,
                            const Ledger::Identity& identity,
                            const std::filesystem::path& file) {
  if (contents.run_id == identity.run_id &&
      contents.config_sha256 == identity.config_sha256) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(
      "cannot use " + file.string() + " (it is of run " + contents.run_id +
      ", the manifest of run " + identity.run_id +
      "); take another run directory");
}

}  // namespace

absl::StatusOr<std::unique_ptr<Ledger>> Ledger::open(
    const std::filesystem::path& file, const Identity& identity,
    const LockWait& wait) {
  // Before SQLite: its lock may be held by whoever only reads, this one is of
  // coordinators alone.
  auto lock = lock_out_others(file);
  if (!lock.ok()) return lock.status();
  auto database = Database::open(file, Database::Mode::kCreate);
  if (!database.ok()) return explain(database.status(), file);
  auto contents = while_locked(
      file, wait, [&] { return load(*database, identity); },
      [&] { database->execute("ROLLBACK").IgnoreError(); });
  if (!contents.ok()) return explain(contents.status(), file);
  if (auto status = check_identity(*contents, identity, file); !status.ok()) {
    return status;
  }
  return std::unique_ptr<Ledger>(
      new Ledger(*std::move(lock), *std::move(database), *std::move(contents)));
}

Ledger::Ledger(FileLock lock, Database database, LedgerContents contents)
    : lock_(std::move(lock)),
      contents_(std::move(contents)),
      database_(std::move(database)),
      writer_([this](std::stop_token stop) { write_groups(stop); }) {}

Ledger::~Ledger() = default;

absl::Status Ledger::begin_epoch(std::uint64_t floor,
                                 std::span<const UnitCommit> rebuilt,
                                 std::span<const UnitIndex> lost) {
  // Above what any part on disk is named after, too: no token may come twice,
  // though the ledger that gave it is lost.
  const std::uint64_t epoch = std::max(contents_.epoch, floor) + 1;
  return apply([&, this](Database& database) -> absl::Status {
    for (const UnitCommit& commit : rebuilt) {
      if (auto status = insert_commit(database, commit); !status.ok()) {
        return status;
      }
    }
    for (const UnitIndex unit : lost) {
      if (auto status = delete_commit(database, unit); !status.ok()) {
        return status;
      }
    }
    auto status = write_meta(database, "epoch", std::to_string(epoch));
    if (status.ok() && contents_.state == RunState::kFailed) {
      status = forgive_unit_failures(database);
    }
    if (status.ok() &&
        (contents_.state != RunState::kComplete || !lost.empty())) {
      status = write_state(database, RunState::kRunning, "");
    }
    if (!status.ok()) return status;
    auto contents = read_contents(database);
    const absl::Status read = contents.status();
    if (read.ok()) contents_ = std::move(*contents);
    return read;
  });
}

absl::Status Ledger::commit(const UnitCommit& commit) {
  return apply([&commit](Database& database) {
    return insert_commit(database, commit);
  });
}

absl::Status Ledger::record(
    std::span<const UnitFailure> failures,
    const std::optional<QuarantinedSample>& quarantined) {
  return apply([&](Database& database) -> absl::Status {
    for (const UnitFailure& failure : failures) {
      if (auto status = insert_failure(database, failure); !status.ok()) {
        return status;
      }
    }
    if (!quarantined) return absl::OkStatus();
    return insert_quarantined(database, *quarantined);
  });
}

absl::Status Ledger::set_state(RunState state, std::string_view reason) {
  return apply(
      [=](Database& database) { return write_state(database, state, reason); });
}

std::int64_t Ledger::transactions() const {
  const std::lock_guard lock(mutex_);
  return transactions_;
}

absl::Status Ledger::apply(Change change) {
  // On this stack: the writer lets go of it before it sets `done`.
  Request request{std::move(change), absl::OkStatus(), false};
  std::unique_lock lock(mutex_);
  if (!broken_.ok()) return broken_;
  queue_.push_back(&request);
  work_.notify_one();
  done_.wait(lock, [&] { return request.done; });
  return request.status;
}

void Ledger::write_groups(std::stop_token stop) {
  std::unique_lock lock(mutex_);
  while (true) {
    // Invariant: nobody calls while this object is being destroyed, so the
    // queue is empty when stop is asked for.
    if (!work_.wait(lock, stop, [&] { return !queue_.empty(); })) return;
    const std::vector<Request*> group = std::exchange(queue_, {});
    absl::Status status = broken_;
    if (status.ok()) {
      lock.unlock();
      // Calls that come meanwhile gather and are the next group.
      status = write_group(group);
      lock.lock();
      ++transactions_;
      broken_ = status;
    }
    for (Request* request : group) {
      if (!status.ok()) request->status = status;
      request->done = true;
    }
    done_.notify_all();
  }
}

// One transaction. A change that answers ALREADY_EXISTS has changed nothing and
// does not disturb its neighbours; any other failure ends the ledger.
absl::Status Ledger::write_group(std::span<Request* const> group) {
  absl::Status status = database_.execute("BEGIN");
  for (Request* request : group) {
    if (!status.ok()) break;
    request->status = request->change(database_);
    if (!absl::IsAlreadyExists(request->status)) status = request->status;
  }
  if (status.ok()) status = database_.execute("COMMIT");
  if (status.ok()) return status;
  database_.execute("ROLLBACK").IgnoreError();
  return {status.code(), "cannot write the ledger (" +
                             std::string(status.message()) +
                             "); make room or repair the file system, then "
                             "start the run again"};
}

}  // namespace lens::coordinator
