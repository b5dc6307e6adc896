#include "coordinator/ledger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <set>
#include <thread>
#include <vector>

#include "coordinator/ledger_reader.h"
#include "tests/coordinator/temporary_directory.h"

namespace lens::coordinator {
namespace {

using ::testing::HasSubstr;

const Ledger::Identity kIdentity{.run_id = "run", .config_sha256 = "config"};

UnitCommit commit_of(int unit, LeaseToken token = {1, 1}) {
  return {.unit = UnitIndex{unit},
          .token = token,
          .receipt = {.file_name = "parts/mtvqa/" + std::to_string(unit),
                      .bytes = 100 + unit,
                      .content_sha256 = "abc"},
          .samples_ok = 3,
          .samples_failed = 1,
          .tokens = 40};
}

UnitFailure failure_of(int unit, LeaseToken token) {
  return {.unit = UnitIndex{unit},
          .token = token,
          .attempt = 1,
          .failure_class = FailureClass::kCrash,
          .sample_id = "7.1",
          .reason = "signal 11",
          .counted = true};
}

class LedgerTest : public ::testing::Test {
 protected:
  std::unique_ptr<Ledger> open() {
    auto ledger = Ledger::open(file(), kIdentity);
    EXPECT_TRUE(ledger.ok()) << ledger.status();
    return ledger.ok() ? *std::move(ledger) : nullptr;
  }
  std::filesystem::path file() const {
    return directory_.path() / "ledger.sqlite";
  }
  enum class Ending { kClosed, kKilled };
  void run_sql(const char* sql, Ending ending = Ending::kClosed) {
    sqlite3* database = nullptr;
    EXPECT_EQ(sqlite3_open(file().c_str(), &database), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(database, sql, nullptr, nullptr, nullptr),
              SQLITE_OK);
    if (ending == Ending::kKilled) ::raise(SIGKILL);
    sqlite3_close(database);
  }

  TemporaryDirectory directory_;
};

TEST_F(LedgerTest, EverythingRecordedIsThereAfterReopening) {
  const QuarantinedSample sample{UnitIndex{2}, "7.1", "crash, twice"};
  {
    auto ledger = open();
    ASSERT_TRUE(ledger->begin_epoch(0, {}).ok());
    ASSERT_TRUE(ledger->commit(commit_of(4)).ok());
    ASSERT_TRUE(ledger->commit(commit_of(1, {1, 9})).ok());
    const std::vector<UnitFailure> failures = {failure_of(2, {1, 5})};
    ASSERT_TRUE(ledger->record(failures, sample).ok());
    ASSERT_TRUE(ledger->set_state(RunState::kInterrupted, "drained").ok());
  }
  auto ledger = open();
  const LedgerContents& found = ledger->contents();
  EXPECT_EQ(found.commits,
            (std::vector<UnitCommit>{commit_of(1, {1, 9}), commit_of(4)}));
  EXPECT_EQ(found.failures, (std::vector<UnitFailure>{failure_of(2, {1, 5})}));
  EXPECT_EQ(found.quarantined, std::vector<QuarantinedSample>{sample});
  EXPECT_EQ(found.state, RunState::kInterrupted);
  EXPECT_EQ(found.reason, "drained");
  EXPECT_EQ(found.epoch, 1u);
}

TEST_F(LedgerTest, EachStartRaisesTheEpoch) {
  for (std::uint64_t expected = 1; expected <= 3; ++expected) {
    auto ledger = open();
    ASSERT_TRUE(ledger->begin_epoch(0, {}).ok());
    EXPECT_EQ(ledger->contents().epoch, expected);
  }
}

TEST_F(LedgerTest, RebuiltLedgerStartsAboveTheEpochsOfItsParts) {
  auto ledger = open();
  EXPECT_TRUE(ledger->is_new());
  const std::vector<UnitCommit> rebuilt = {commit_of(0, {6, 2})};
  ASSERT_TRUE(ledger->begin_epoch(6, rebuilt).ok());
  EXPECT_EQ(ledger->contents().epoch, 7u);
  EXPECT_EQ(ledger->contents().commits, rebuilt);
  EXPECT_FALSE(ledger->is_new());
}

TEST_F(LedgerTest, CommitOfALostPartIsDroppedAndMayComeAgain) {
  auto ledger = open();
  const std::vector<UnitCommit> parts = {commit_of(0), commit_of(1)};
  const std::vector<UnitIndex> lost = {UnitIndex{1}};
  ASSERT_TRUE(ledger->begin_epoch(1, parts, lost).ok());
  EXPECT_EQ(ledger->contents().commits, (std::vector{commit_of(0)}));
  EXPECT_TRUE(ledger->commit(commit_of(1, {2, 1})).ok());
}

TEST_F(LedgerTest, SecondCoordinatorIsRefusedInOneLine) {
  auto first = open();
  const auto second = Ledger::open(file(), kIdentity);
  ASSERT_TRUE(absl::IsUnavailable(second.status())) << second.status();
  const std::string line(second.status().message());
  EXPECT_THAT(line, HasSubstr("another coordinator runs"));
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_TRUE(first->commit(commit_of(0)).ok());
}

TEST_F(LedgerTest, LedgerOfAnotherRunIsRefused) {
  { auto ledger = open(); }
  const auto other = Ledger::open(file(), {"other", "config"});
  EXPECT_TRUE(absl::IsFailedPrecondition(other.status())) << other.status();
}

TEST_F(LedgerTest, FileThatIsNoLedgerIsRefusedWithARemedy) {
  std::ofstream(file()) << std::string(4096, 'x');
  const auto ledger = Ledger::open(file(), kIdentity);
  ASSERT_TRUE(absl::IsDataLoss(ledger.status())) << ledger.status();
  EXPECT_THAT(std::string(ledger.status().message()),
              HasSubstr("move it away"));
}

TEST_F(LedgerTest, CommitRepeatedIsOkAndByAnotherLeaseIsRefused) {
  auto ledger = open();
  EXPECT_TRUE(ledger->commit(commit_of(0, {1, 1})).ok());
  EXPECT_TRUE(ledger->commit(commit_of(0, {1, 1})).ok());
  EXPECT_TRUE(absl::IsAlreadyExists(ledger->commit(commit_of(0, {1, 2}))));
  EXPECT_TRUE(ledger->commit(commit_of(1, {1, 3})).ok());
}

TEST_F(LedgerTest, FailureReportedTwiceIsStoredOnce) {
  {
    auto ledger = open();
    const std::vector<UnitFailure> failures = {failure_of(0, {1, 1})};
    EXPECT_TRUE(ledger->record(failures, std::nullopt).ok());
    EXPECT_TRUE(ledger->record(failures, std::nullopt).ok());
  }
  EXPECT_EQ(open()->contents().failures.size(), 1u);
}

TEST_F(LedgerTest, FailedRunIsForgivenButItsSamplesAreNot) {
  {
    auto ledger = open();
    UnitFailure of_unit = failure_of(0, {1, 1});
    of_unit.sample_id = "";
    const std::vector<UnitFailure> failures = {of_unit, failure_of(1, {1, 2})};
    ASSERT_TRUE(ledger->record(failures, std::nullopt).ok());
    ASSERT_TRUE(ledger->set_state(RunState::kFailed, "check").ok());
  }
  auto ledger = open();
  ASSERT_TRUE(ledger->begin_epoch(0, {}).ok());
  EXPECT_EQ(ledger->contents().state, RunState::kRunning);
  EXPECT_FALSE(ledger->contents().failures[0].counted);
  EXPECT_TRUE(ledger->contents().failures[1].counted);
}

TEST_F(LedgerTest, CommitsOfManyThreadsShareTransactions) {
  auto ledger = open();
  constexpr int kThreads = 16, kEach = 25;
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&, thread] {
        for (int i = 0; i < kEach; ++i) {
          EXPECT_TRUE(ledger->commit(commit_of(thread * kEach + i)).ok());
        }
      });
    }
  }
  EXPECT_LT(ledger->transactions(), kThreads * kEach);
  ledger.reset();
  EXPECT_EQ(open()->contents().commits.size(), std::size_t{kThreads * kEach});
}

// Commits for ever, from several threads, and writes the number of each unit to
// `acknowledged` once its commit has returned.
[[noreturn]] void commit_until_killed(const std::filesystem::path& file,
                                      int acknowledged) {
  auto ledger = Ledger::open(file, kIdentity);
  if (!ledger.ok() || !(*ledger)->begin_epoch(0, {}).ok()) ::_exit(1);
  std::atomic<int> next = 0;
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      while (true) {
        const int unit = next++;
        if (!(*ledger)->commit(commit_of(unit)).ok()) ::_exit(1);
        if (::write(acknowledged, &unit, sizeof(unit)) != sizeof(unit)) {
          ::_exit(1);
        }
      }
    });
  }
  threads.clear();
  ::_exit(1);
}

TEST_F(LedgerTest, KillInTheMiddleOfCommitsLosesNothingAcknowledged) {
  for (int round = 0; round < 3; ++round) {
    std::filesystem::remove(file());
    std::filesystem::remove(file().string() + "-journal");
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::close(ends[0]);
      commit_until_killed(file(), ends[1]);
    }
    ::close(ends[1]);
    std::set<int> acknowledged;
    int unit = 0;
    while (acknowledged.size() < std::size_t(20 + 13 * round) &&
           ::read(ends[0], &unit, sizeof(unit)) == sizeof(unit)) {
      acknowledged.insert(unit);
    }
    ::kill(child, SIGKILL);
    while (::read(ends[0], &unit, sizeof(unit)) == sizeof(unit)) {
      acknowledged.insert(unit);
    }
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status));

    // A reader comes first: it has to roll the journal back.
    const auto reader = LedgerReader::open(file());
    ASSERT_TRUE(reader.ok()) << reader.status();
    auto ledger = open();
    EXPECT_EQ(reader->contents().commits, ledger->contents().commits);
    for (const UnitCommit& commit : ledger->contents().commits) {
      EXPECT_EQ(commit, commit_of(to_int(commit.unit)));
      acknowledged.erase(to_int(commit.unit));
    }
    EXPECT_TRUE(acknowledged.empty());
  }
}

TEST_F(LedgerTest, ReaderSaysThatACoordinatorHoldsTheLedger) {
  auto ledger = open();
  const auto reader = LedgerReader::open(file());
  ASSERT_TRUE(absl::IsUnavailable(reader.status())) << reader.status();
  EXPECT_THAT(std::string(reader.status().message()),
              HasSubstr("held by a running coordinator"));
  EXPECT_TRUE(absl::IsUnavailable(set_run_state(file(), RunState::kComplete)));
}

TEST_F(LedgerTest, ReaderOfNothingSaysNotFoundAndMakesNoFile) {
  EXPECT_TRUE(absl::IsNotFound(LedgerReader::open(file()).status()));
  EXPECT_FALSE(std::filesystem::exists(file()));
}

TEST_F(LedgerTest, EmptyFileIsARunThatHasNotStarted) {
  std::ofstream{file()};
  EXPECT_TRUE(absl::IsNotFound(LedgerReader::open(file()).status()));
  EXPECT_TRUE(absl::IsNotFound(set_run_state(file(), RunState::kComplete)));
  EXPECT_TRUE(open()->is_new());
}

TEST_F(LedgerTest, FileWithAHeaderAloneIsARunThatHasNotStarted) {
  run_sql("PRAGMA user_version = 1");
  ASSERT_GT(std::filesystem::file_size(file()), 0u);
  EXPECT_TRUE(absl::IsNotFound(LedgerReader::open(file()).status()));
  EXPECT_TRUE(open()->is_new());
}

TEST_F(LedgerTest, TablesThatWereNotCommittedAreARunThatHasNotStarted) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    // A cache of one page: what is written reaches the file at once, and the
    // journal before it.
    run_sql(
        "PRAGMA cache_size = 1; BEGIN EXCLUSIVE;"
        "CREATE TABLE meta(key TEXT, value TEXT);"
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
        " LIMIT 500) INSERT INTO meta SELECT i, hex(zeroblob(500)) FROM n;",
        Ending::kKilled);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status));
  ASSERT_GT(std::filesystem::file_size(file()), 4096u);
  ASSERT_TRUE(std::filesystem::exists(file().string() + "-journal"));
  EXPECT_TRUE(absl::IsNotFound(LedgerReader::open(file()).status()));
  EXPECT_TRUE(open()->is_new());
}

// Another program that holds a lock on the ledger until it is killed.
class Stranger {
 public:
  explicit Stranger(const std::filesystem::path& file, const char* sql) {
    int ends[2];
    if (::pipe(ends) != 0) return;
    pid_ = ::fork();
    if (pid_ == 0) {
      sqlite3* database = nullptr;
      const bool held =
          sqlite3_open(file.c_str(), &database) == SQLITE_OK &&
          sqlite3_exec(database, sql, nullptr, nullptr, nullptr) == SQLITE_OK;
      if (held && ::write(ends[1], "h", 1) == 1) ::pause();
      ::_exit(1);
    }
    ::close(ends[1]);
    char said = 0;
    held_ = ::read(ends[0], &said, 1) == 1;
    ::close(ends[0]);
  }
  ~Stranger() { end(); }
  Stranger(const Stranger&) = delete;
  Stranger& operator=(const Stranger&) = delete;

  void end() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  bool held() const { return held_; }
  std::string pid() const { return "pid " + std::to_string(pid_); }

 private:
  pid_t pid_ = -1;
  bool held_ = false;
};

constexpr char kRead[] = "BEGIN; SELECT * FROM meta;";
constexpr char kShut[] = "BEGIN EXCLUSIVE;";

TEST_F(LedgerTest, ForeignReaderIsNamedAndNotTakenForACoordinator) {
  { auto ledger = open(); }
  const Stranger stranger(file(), kRead);
  ASSERT_TRUE(stranger.held());
  std::vector<std::string> notes;
  const auto ledger = Ledger::open(
      file(), kIdentity,
      {.patience = std::chrono::milliseconds(1200),
       .note = [&](const std::string& line) { notes.push_back(line); }});
  ASSERT_TRUE(absl::IsAborted(ledger.status())) << ledger.status();
  EXPECT_THAT(std::string(ledger.status().message()),
              HasSubstr(stranger.pid() + ") holds a lock on it"));
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_THAT(notes[0], HasSubstr(stranger.pid()));
  // It does not keep others from reading.
  EXPECT_TRUE(LedgerReader::open(file()).ok());
}

TEST_F(LedgerTest, ForeignWriterIsNamedToReadersToo) {
  { auto ledger = open(); }
  const Stranger stranger(file(), kShut);
  ASSERT_TRUE(stranger.held());
  const LockWait wait{.patience = std::chrono::milliseconds(50)};
  for (const absl::Status& status :
       {LedgerReader::open(file(), wait).status(),
        set_run_state(file(), RunState::kComplete, wait)}) {
    ASSERT_TRUE(absl::IsAborted(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(stranger.pid()));
  }
}

TEST_F(LedgerTest, ForeignLockThatGoesIsWaitedFor) {
  { auto ledger = open(); }
  for (const bool coordinator : {true, false}) {
    Stranger stranger(file(), kRead);
    ASSERT_TRUE(stranger.held());
    std::jthread ending([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      stranger.end();
    });
    if (coordinator)
      EXPECT_NE(open(), nullptr);
    else
      EXPECT_TRUE(set_run_state(file(), RunState::kComplete).ok());
  }
}

TEST_F(LedgerTest, ReaderCountsSamplesByDataSet) {
  storage::Manifest manifest;
  for (const char* name : {"mtvqa", "latex_ocr"}) {
    manifest.datasets.emplace_back().name = name;
  }
  for (const char* name : {"mtvqa", "mtvqa", "latex_ocr"}) {
    storage::Unit& unit = manifest.units.emplace_back();
    unit.dataset = name;
    unit.samples = 4;
  }
  {
    auto ledger = open();
    ASSERT_TRUE(ledger->commit(commit_of(1)).ok());
  }
  const auto reader = LedgerReader::open(file());
  ASSERT_TRUE(reader.ok()) << reader.status();
  const auto counts = reader->counts(manifest);
  EXPECT_EQ(counts.at("mtvqa"),
            (DatasetCounts{.total = 8, .done = 4, .failed = 1}));
  EXPECT_EQ(counts.at("latex_ocr"), (DatasetCounts{.total = 4}));
  EXPECT_EQ(reader->committed_parts().at(0).unit, 1);
  EXPECT_EQ(reader->committed_parts().at(0).receipt, commit_of(1).receipt);
}

TEST_F(LedgerTest, RunLeftRunningIsReadAsInterruptedAndTheStateCanBeSet) {
  { auto ledger = open(); }
  EXPECT_EQ(LedgerReader::open(file())->state(), RunState::kInterrupted);
  ASSERT_TRUE(set_run_state(file(), RunState::kMerging).ok());
  EXPECT_EQ(LedgerReader::open(file())->state(), RunState::kMerging);
  ASSERT_TRUE(set_run_state(file(), RunState::kComplete).ok());
  EXPECT_EQ(LedgerReader::open(file())->state(), RunState::kComplete);

  // A complete run stays complete when its coordinator is started again.
  auto ledger = open();
  ASSERT_TRUE(ledger->begin_epoch(0, {}).ok());
  EXPECT_EQ(ledger->contents().state, RunState::kComplete);
}

// Commits until the file cannot grow any more, as on a full disk. Exits with
// the number of acknowledged commits, 0 where a failed ledger acknowledged one.
[[noreturn]] void commit_until_full(const std::filesystem::path& file) {
  ::signal(SIGXFSZ, SIG_IGN);
  auto ledger = Ledger::open(file, kIdentity);
  if (!ledger.ok() || !(*ledger)->begin_epoch(0, {}).ok()) ::_exit(0);
  const auto size = std::filesystem::file_size(file) + 4096;
  const struct rlimit limit = {size, size};
  ::setrlimit(RLIMIT_FSIZE, &limit);
  int unit = 0;
  while (unit < 250 && (*ledger)->commit(commit_of(unit)).ok()) ++unit;
  const bool acknowledged_later = (*ledger)->commit(commit_of(999)).ok();
  ::_exit(acknowledged_later ? 0 : unit);
}

TEST_F(LedgerTest, FullDiskEndsTheLedgerAndLosesNothingAcknowledged) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) commit_until_full(file());
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFEXITED(status));
  const int acknowledged = WEXITSTATUS(status);
  EXPECT_GT(acknowledged, 0);
  EXPECT_LT(acknowledged, 250);
  const auto reader = LedgerReader::open(file());
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_EQ(reader->contents().commits.size(),
            static_cast<std::size_t>(acknowledged));
}

}  // namespace
}  // namespace lens::coordinator
