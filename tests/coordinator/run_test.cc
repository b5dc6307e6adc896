#include "coordinator/run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <optional>
#include <thread>

#include "base/process_id.h"
#include "coordinator/ledger_reader.h"
#include "storage/work_note.h"
#include "tests/coordinator/fake_clock.h"
#include "tests/coordinator/run_on_disk.h"
#include "tests/coordinator/temporary_directory.h"
#include "tests/fakes/few_descriptors.h"

namespace lens::coordinator {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;

class RunTest : public ::testing::Test {
 protected:
  void start(const RunSettings& settings = {}) {
    run_.reset();
    run_.emplace(directory_.path(), settings, clock_.clock());
  }
  // Time passes as it does for a coordinator that ticks.
  void pass(seconds duration) {
    for (int i = 0; i < duration.count(); ++i) {
      clock_.advance(seconds(1));
      (*run_)->tick();
    }
  }
  WorkerId join(int pid = 1) {
    WorkerIdentity identity;
    identity.host = "node";
    identity.pid = pid;
    const auto id = (*run_)->join(kRunId, identity);
    EXPECT_TRUE(id.ok()) << id.status();
    return *id;
  }
  AcquireAnswer ask(WorkerId worker) {
    auto answer = (*run_)->acquire(worker);
    EXPECT_TRUE(answer.ok()) << answer.status();
    return *answer;
  }
  Lease take(WorkerId worker) {
    const AcquireAnswer answer = ask(worker);
    const auto* granted = std::get_if<Granted>(&answer);
    EXPECT_NE(granted, nullptr);
    return granted != nullptr ? granted->lease : Lease{};
  }
  absl::Status commit(const Lease& lease) {
    return (*run_)->commit(run_->finished(lease));
  }
  void fail(const Lease& lease, FailureClass failure_class,
            const std::string& sample = "") {
    UnitFailure failure;
    failure.unit = lease.unit;
    failure.token = lease.token;
    failure.failure_class = failure_class;
    failure.sample_id = sample;
    failure.reason = "because";
    EXPECT_TRUE((*run_)->fail(failure).ok());
  }
  // As a worker does that dies with this lease in hand.
  void leave_note(const Lease& lease, const std::string& sample) {
    const storage::RunDirectory run(directory_.path());
    std::filesystem::create_directories(run.crashes());
    std::ofstream(run.crash_note(to_int(lease.unit), lease.token.epoch,
                                 lease.token.number))
        << sample << "\nit died\n";
  }
  // As a worker does that is killed with this lease in hand.
  void leave_work_note(const Lease& lease, const std::string& sample) {
    const storage::RunDirectory run(directory_.path());
    std::filesystem::create_directories(run.crashes());
    ProcessId dead = ProcessId::self();
    dead.start_time += 1;  // of another process that had our number
    std::ofstream(run.work_note(to_int(lease.unit), lease.token.epoch,
                                lease.token.number, 1))
        << to_text(dead) << "\nmodel\n"
        << sample << "\n";
  }
  LedgerContents ledger_after_the_end() {
    run_.reset();
    const auto reader = LedgerReader::open(directory_.path() / "ledger.sqlite");
    EXPECT_TRUE(reader.ok()) << reader.status();
    return reader->contents();
  }

  TemporaryDirectory directory_;
  FakeClock clock_;
  std::optional<RunOnDisk> run_;
};

TEST_F(RunTest, EndsCompleteOnceAllUnitsAreCommittedAndWorkersHaveLeft) {
  start({.units = 3});
  const WorkerId worker = join();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(commit(take(worker)).ok());
  (*run_)->tick();
  EXPECT_EQ((*run_)->outcome(), Outcome::kComplete);
  EXPECT_FALSE((*run_)->over());
  EXPECT_EQ(std::get<Outcome>(ask(worker)), Outcome::kComplete);
  EXPECT_TRUE((*run_)->over());
  const LedgerContents ledger = ledger_after_the_end();
  EXPECT_EQ(ledger.state, RunState::kMerging);
  EXPECT_EQ(ledger.commits.size(), 3u);
}

TEST_F(RunTest, DoesNotWaitForVanishedWorkersForEver) {
  start({.units = 1, .linger = seconds(10)});
  ASSERT_TRUE(commit(take(join())).ok());
  (*run_)->tick();
  clock_.advance(seconds(9));
  EXPECT_FALSE((*run_)->over());
  clock_.advance(seconds(1));
  EXPECT_TRUE((*run_)->over());
}

TEST_F(RunTest, WorkerWithoutWorkWaitsWhileOthersHoldTheLastUnits) {
  start({.units = 1});
  const Lease lease = take(join(1));
  const WorkerId other = join(2);
  EXPECT_GT(std::get<WaitFor>(ask(other)).duration.count(), 0);
  pass(seconds(20));
  ASSERT_TRUE((*run_)->heartbeat(other, {}).ok());
  pass(seconds(20));
  EXPECT_EQ(take(other).unit, lease.unit);
}

TEST_F(RunTest, ExpiredLeaseIsRecordedAsLostAndNeverCounted) {
  start({.units = 1});
  for (int i = 0; i < 5; ++i) {
    take(join(i));
    pass(seconds(40));
  }
  EXPECT_EQ((*run_)->outcome(), std::nullopt);
  const RunSnapshot snapshot = (*run_)->snapshot();
  ASSERT_EQ(snapshot.failures.size(), 5u);
  EXPECT_EQ(snapshot.failures[0].attempt, 5);
  EXPECT_EQ(snapshot.failures[0].failure_class, FailureClass::kLost);
  EXPECT_FALSE(snapshot.failures[0].counted);
  EXPECT_EQ(ledger_after_the_end().failures.size(), 5u);
}

TEST_F(RunTest, UnitLostAgainAndAgainIsNamedInTheMessage) {
  start({.units = 1});
  for (int i = 0; i < 5; ++i) {
    const WorkerId worker = join(i);
    take(worker);
    EXPECT_THAT((*run_)->snapshot().message, Not(HasSubstr("was lost")));
    ASSERT_TRUE((*run_)->leave(worker).ok());
  }
  join(9);
  EXPECT_THAT((*run_)->snapshot().message,
              HasSubstr("unit 0 was lost 5 times"));
}

TEST_F(RunTest, DrainLetsLeasesEndAndTellsWorkersToLeave) {
  start();
  const WorkerId worker = join();
  const Lease lease = take(worker);
  (*run_)->drain("test");
  (*run_)->tick();
  EXPECT_EQ(std::get<Outcome>(ask(worker)), Outcome::kDrained);
  EXPECT_FALSE((*run_)->over());
  EXPECT_TRUE((*run_)->heartbeat(worker, {})->draining);
  EXPECT_THAT((*run_)->snapshot().message, HasSubstr("draining"));
  ASSERT_TRUE(commit(lease).ok());
  (*run_)->tick();
  EXPECT_TRUE((*run_)->over());
  EXPECT_EQ((*run_)->outcome(), Outcome::kDrained);
  const LedgerContents ledger = ledger_after_the_end();
  EXPECT_EQ(ledger.state, RunState::kInterrupted);
  EXPECT_EQ(ledger.commits.size(), 1u);
}

TEST_F(RunTest, DrainIsOverWhenItsWorkersSayGoodbye) {
  start();
  const WorkerId worker = join();
  take(worker);
  (*run_)->drain("test");
  ASSERT_TRUE((*run_)->leave(worker).ok());
  (*run_)->tick();
  EXPECT_TRUE((*run_)->over());
}

TEST_F(RunTest, SecondSignalEndsAtOnce) {
  start();
  take(join());
  (*run_)->stop_now();
  (*run_)->tick();
  EXPECT_TRUE((*run_)->over());
  EXPECT_EQ((*run_)->outcome(), Outcome::kDrained);
}

TEST_F(RunTest, NextCoordinatorGoesOnFromTheLedger) {
  start({.units = 3});
  const Lease done = take(join());
  const UnitCommit commit_again = run_->finished(done);
  ASSERT_TRUE((*run_)->commit(commit_again).ok());
  const Lease in_flight = take(join());

  start({.units = 3});
  EXPECT_EQ((*run_)->epoch(), 2u);
  EXPECT_TRUE((*run_)->commit(commit_again).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(commit(in_flight)));
  const Lease next = take(join());
  EXPECT_EQ(next.unit, in_flight.unit);
  EXPECT_EQ(next.token.epoch, 2u);
  EXPECT_EQ((*run_)->snapshot().units_committed, 1);
}

TEST_F(RunTest, UnitThatKillsThreeWorkersIsGivenUpAndTheOthersAreDone) {
  start({.units = 2});
  const WorkerId worker = join();
  const Lease first = take(worker), other = take(worker);
  fail(first, FailureClass::kCrash);
  for (int i = 0; i < 2; ++i) fail(take(worker), FailureClass::kCrash);
  ASSERT_TRUE(commit(other).ok());
  EXPECT_EQ(std::get<Outcome>(ask(worker)), Outcome::kFailed);
  (*run_)->tick();
  EXPECT_TRUE((*run_)->over());
  EXPECT_THAT((*run_)->failure(), HasSubstr("unit 0 was given up"));
  const LedgerContents ledger = ledger_after_the_end();
  EXPECT_EQ(ledger.state, RunState::kFailed);
  EXPECT_THAT(ledger.reason, HasSubstr("because"));
}

TEST_F(RunTest, SameCommandAfterAFailedRunTriesAgain) {
  start({.units = 1});
  for (int i = 0; i < 3; ++i) fail(take(join()), FailureClass::kCrash);
  (*run_)->tick();
  ASSERT_EQ((*run_)->outcome(), Outcome::kFailed);

  start({.units = 1});
  EXPECT_EQ((*run_)->outcome(), std::nullopt);
  const Lease lease = take(join());
  EXPECT_EQ(lease.attempt, 4);
  EXPECT_TRUE(commit(lease).ok());
}

TEST_F(RunTest, SampleThatKillsTwiceIsQuarantinedForGood) {
  start({.units = 1});
  const WorkerId worker = join();
  fail(take(worker), FailureClass::kOutOfMemory, "7.1");
  fail(take(worker), FailureClass::kOutOfMemory, "7.1");
  const auto granted = std::get<Granted>(ask(worker));
  ASSERT_EQ(granted.quarantined.size(), 1u);
  EXPECT_EQ(granted.quarantined[0].sample_id, "7.1");

  start({.units = 1});
  EXPECT_EQ(std::get<Granted>(ask(join())).quarantined.size(), 1u);
}

TEST_F(RunTest, CrashNoteTurnsALostLeaseIntoACrash) {
  start({.units = 1});
  leave_note(take(join()), "");
  pass(seconds(31));
  // The death named no sample: from now on they are run one at a time.
  auto granted = std::get<Granted>(ask(join()));
  EXPECT_TRUE(granted.alone);
  for (int death = 0; death < 2; ++death) {
    EXPECT_TRUE(granted.quarantined.empty());
    leave_note(granted.lease, "7.1");
    pass(seconds(31));
    granted = std::get<Granted>(ask(join()));
  }
  ASSERT_EQ(granted.quarantined.size(), 1u);
  EXPECT_EQ(granted.quarantined[0].sample_id, "7.1");
  EXPECT_THAT(granted.quarantined[0].reason, HasSubstr("it died"));
  EXPECT_TRUE(std::filesystem::is_empty(directory_.path() / "crashes"));
  const LedgerContents ledger = ledger_after_the_end();
  ASSERT_EQ(ledger.failures.size(), 3u);
  for (const UnitFailure& failure : ledger.failures) {
    EXPECT_EQ(failure.failure_class, FailureClass::kCrash);
    EXPECT_TRUE(failure.counted);
  }
}

TEST_F(RunTest, NotesOfAnEarlierCoordinatorCountOnce) {
  start({.units = 2});
  const Lease lease = take(join());
  leave_note(lease, "");
  start({.units = 2});
  ASSERT_TRUE((*run_)->adopt_crash_notes().ok());
  EXPECT_TRUE(std::get<Granted>(ask(join(1))).alone);
  EXPECT_FALSE(std::get<Granted>(ask(join(2))).alone);
  leave_note(lease, "");  // its removal did not reach the disk
  start({.units = 2});
  ASSERT_TRUE((*run_)->adopt_crash_notes().ok());
  EXPECT_EQ(ledger_after_the_end().failures.size(), 1u);
}

TEST_F(RunTest, UnitOfAProcessThatEndedIsFreeAtOnce) {
  bool gone = false;
  start({.units = 1, .process_gone = [&](const WorkerIdentity& worker) {
           return gone && worker.pid == 1;
         }});
  take(join(1));
  const WorkerId other = join(2);
  gone = true;
  (*run_)->tick();  // heard of a moment ago
  EXPECT_TRUE(std::holds_alternative<WaitFor>(ask(other)));
  clock_.advance(seconds(1));
  ASSERT_TRUE((*run_)->heartbeat(other, {}).ok());
  (*run_)->tick();
  EXPECT_EQ(take(other).attempt, 2);
}

TEST_F(RunTest, PauseOfTheCoordinatorEndsNoLease) {
  start({.units = 1});
  const WorkerId worker = join();
  const Lease lease = take(worker);
  pass(seconds(1));
  clock_.advance(seconds(90));
  (*run_)->tick();
  const std::vector<LeaseProgress> held = {{lease.token, lease.unit, 0}};
  const auto beat = (*run_)->heartbeat(worker, held);
  ASSERT_TRUE(beat.ok());
  EXPECT_TRUE(beat->revoked.empty());
  EXPECT_TRUE(commit(lease).ok());
}

TEST_F(RunTest, WorkerThatWasKilledThreeTimesAtASampleGoesOnWithoutIt) {
  bool gone = false;
  start({.units = 1,
         .process_gone = [&](const WorkerIdentity&) { return gone; }});
  for (int death = 1; death <= 3; ++death) {
    const auto granted = std::get<Granted>(ask(join(death)));
    EXPECT_EQ(granted.alone, death == 3);
    leave_work_note(granted.lease, death == 3 ? "7.1" : "");
    gone = true;
    pass(seconds(1));
    gone = false;
  }
  const auto granted = std::get<Granted>(ask(join(9)));
  ASSERT_EQ(granted.quarantined.size(), 1u);
  EXPECT_EQ(granted.quarantined[0].sample_id, "7.1");
  EXPECT_THAT(granted.quarantined[0].reason, HasSubstr("was killed (SIGKILL"));
  EXPECT_FALSE(granted.alone);
  EXPECT_TRUE(std::filesystem::is_empty(directory_.path() / "crashes"));
}

TEST_F(RunTest, WorkerKilledTogetherWithItsCoordinatorCountsForNothing) {
  start({.units = 1});
  leave_work_note(take(join()), "7.1");
  start({.units = 1});
  storage::settle_work_notes(storage::RunDirectory(directory_.path()));
  ASSERT_TRUE((*run_)->adopt_crash_notes().ok());
  EXPECT_TRUE((*run_)->snapshot().failures.empty());
  EXPECT_TRUE(std::filesystem::is_empty(directory_.path() / "crashes"));
}

TEST_F(RunTest, NoteThatComesAfterItsLeaseWasLostCountsAlsoAfterARestart) {
  start({.units = 1});
  const Lease lease = take(join());
  pass(seconds(31));
  EXPECT_FALSE((*run_)->snapshot().failures.at(0).counted);
  leave_note(lease, "7.1");
  ASSERT_TRUE((*run_)->adopt_crash_notes().ok());
  EXPECT_TRUE(std::get<Granted>(ask(join(2))).alone);
  start({.units = 1});
  EXPECT_TRUE(std::get<Granted>(ask(join(3))).alone);
  const LedgerContents ledger = ledger_after_the_end();
  ASSERT_EQ(ledger.failures.size(), 1u);
  EXPECT_EQ(ledger.failures[0].failure_class, FailureClass::kCrash);
  EXPECT_EQ(ledger.failures[0].sample_id, "7.1");
}

TEST_F(RunTest, NoteOfALeaseThatIsHeldWaitsForItsEnd) {
  start({.units = 1});
  const WorkerId worker = join();
  const Lease lease = take(worker);
  leave_note(lease, "7.1");
  ASSERT_TRUE((*run_)->adopt_crash_notes().ok());
  EXPECT_TRUE((*run_)->snapshot().failures.empty());
  pass(seconds(31));
  EXPECT_EQ((*run_)->snapshot().failures.at(0).failure_class,
            FailureClass::kCrash);
}

// A note on a file system that hangs: whoever opens a FIFO for reading waits.
TEST_F(RunTest, HeartbeatIsAnsweredWhileANoteCannotBeRead) {
  start({.units = 2});
  const WorkerId dead = join(1), living = join(2);
  const Lease lost = take(dead), held = take(living);
  const storage::RunDirectory directory(directory_.path());
  std::filesystem::create_directories(directory.crashes());
  const auto note = directory.crash_note(to_int(lost.unit), lost.token.epoch,
                                         lost.token.number);
  ASSERT_EQ(::mkfifo(note.c_str(), 0600), 0);
  const std::vector<LeaseProgress> leases = {{held.token, held.unit, 1}};
  (*run_)->tick();
  for (int i = 0; i < 35; ++i) {
    clock_.advance(seconds(1));
    ASSERT_TRUE((*run_)->heartbeat(living, leases).ok());
    if (i < 29) (*run_)->tick();
  }
  std::jthread ticking([&] { (*run_)->tick(); });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  auto beat = std::async(std::launch::async, [&] {
    return (*run_)->heartbeat(living, leases).ok();
  });
  EXPECT_EQ(beat.wait_for(seconds(10)), std::future_status::ready);
  std::ofstream(note) << "7.1\nit died\n";  // lets the reader go on
  ticking.join();
  EXPECT_TRUE(beat.get());
  EXPECT_EQ((*run_)->snapshot().failures.at(0).sample_id, "7.1");
}

TEST_F(RunTest, ChangedInputFailsTheRunWithItsOwnReason) {
  start({.units = 2});
  const WorkerId worker = join();
  fail(take(worker), FailureClass::kInput);
  EXPECT_EQ(std::get<Outcome>(ask(worker)), Outcome::kFailed);
  EXPECT_THAT((*run_)->failure(), HasSubstr("failed: because; "));
}

TEST_F(RunTest, FailedChecksFailTheRunAfterThreeRetries) {
  start({.units = 1});
  const WorkerId worker = join();
  for (int i = 0; i < 4; ++i) fail(take(worker), FailureClass::kCheck);
  EXPECT_EQ(std::get<Outcome>(ask(worker)), Outcome::kFailed);
  EXPECT_TRUE((*run_)->heartbeat(worker, {})->draining);
  (*run_)->tick();
  EXPECT_TRUE((*run_)->over());
  EXPECT_THAT((*run_)->failure(), HasSubstr("check: because"));
}

TEST_F(RunTest, CommitWithoutItsPartIsRefusedAndCounted) {
  start({.units = 1});
  const WorkerId worker = join();
  UnitCommit missing = run_->finished(take(worker));
  missing.receipt.bytes += 1;
  EXPECT_TRUE(absl::IsDataLoss((*run_)->commit(missing)));
  const RunSnapshot snapshot = (*run_)->snapshot();
  EXPECT_EQ(snapshot.units_committed, 0);
  ASSERT_EQ(snapshot.failures.size(), 1u);
  EXPECT_EQ(snapshot.failures[0].failure_class, FailureClass::kStore);
  EXPECT_EQ(take(worker).attempt, 2);
}

// The part is as good as before: the worker asks again.
TEST_F(RunTest, CommitIsPutOffWhileThereAreNoDescriptorsToLookAtItsPart) {
  start({.units = 1});
  const UnitCommit commit = run_->finished(take(join()));
  {
    const fakes::FewDescriptors none(3);
    EXPECT_TRUE(absl::IsUnavailable((*run_)->commit(commit)));
  }
  EXPECT_TRUE((*run_)->snapshot().failures.empty());
  EXPECT_EQ((*run_)->snapshot().units_leased, 1);
  EXPECT_TRUE((*run_)->commit(commit).ok());
}

TEST_F(RunTest, CommitThatDoesNotFitItsUnitIsRefused) {
  start();
  UnitCommit counts = run_->finished(take(join()));
  counts.samples_ok += 1;
  EXPECT_TRUE(absl::IsInvalidArgument((*run_)->commit(counts)));
}

TEST_F(RunTest, PartOutsideItsFolderIsRefused) {
  for (const char* name :
       {"../secret.h5", "/etc/passwd", "parts/../ledger.sqlite",
        "parts/other/0.1-1.h5", "parts/mtvqa/..", "parts/mtvqa/a/b.h5", ""}) {
    start();
    UnitCommit elsewhere = run_->finished(take(join()));
    elsewhere.receipt.file_name = name;
    EXPECT_TRUE(absl::IsInvalidArgument((*run_)->commit(elsewhere))) << name;
    EXPECT_EQ((*run_)->snapshot().units_committed, 0) << name;
    run_.reset();
    std::filesystem::remove(directory_.path() / "ledger.sqlite");
  }
}

TEST_F(RunTest, UnitsThatDoNotExistAreRefusedEverywhere) {
  start({.units = 1});
  const WorkerId worker = join();
  for (const int unit : {-1, 1, 1'000'000}) {
    UnitCommit commit;
    commit.unit = UnitIndex{unit};
    EXPECT_TRUE(absl::IsInvalidArgument((*run_)->commit(commit)));
    UnitFailure failure;
    failure.unit = UnitIndex{unit};
    EXPECT_TRUE(absl::IsInvalidArgument((*run_)->fail(failure)));
    const std::vector<LeaseProgress> leases = {{{}, UnitIndex{unit}, 0}};
    EXPECT_TRUE(
        absl::IsInvalidArgument((*run_)->heartbeat(worker, leases).status()));
  }
}

TEST_F(RunTest, WorkerOfAnotherRunIsRefused) {
  start();
  EXPECT_TRUE(absl::IsFailedPrecondition(
      (*run_)->join("another", WorkerIdentity{}).status()));
}

TEST_F(RunTest, SnapshotCountsSamplesAndMeasuresTheRate) {
  start({.units = 20});
  const WorkerId worker = join();
  for (int i = 0; i < 10; ++i) {
    const Lease lease = take(worker);
    (*run_)->tick();
    clock_.advance(seconds(2));
    ASSERT_TRUE(commit(lease).ok());
    (*run_)->tick();
  }
  const Lease lease = take(worker);
  const std::vector<LeaseProgress> half = {{lease.token, lease.unit, 2}};
  clock_.advance(seconds(1));
  ASSERT_TRUE((*run_)->heartbeat(worker, half).ok());
  (*run_)->tick();

  const RunSnapshot snapshot = (*run_)->snapshot();
  ASSERT_EQ(snapshot.datasets.size(), 2u);
  EXPECT_EQ(snapshot.datasets[0].first, "mtvqa");
  EXPECT_EQ(snapshot.datasets[0].second,
            (DatasetCounts{.total = 40, .done = 20, .failed = 5}));
  EXPECT_NEAR(snapshot.samples_per_second, 2, 0.01);
  ASSERT_TRUE(snapshot.eta.has_value());
  EXPECT_NEAR(snapshot.eta->count(), 38 / 2.0, 0.2);
  ASSERT_EQ(snapshot.workers.size(), 1u);
  EXPECT_EQ(snapshot.workers[0].units, std::vector<UnitIndex>{lease.unit});
  EXPECT_EQ(snapshot.workers[0].samples_committed, 40);
  EXPECT_EQ(snapshot.oldest_lease, seconds(1));
  EXPECT_EQ(snapshot.units_leased, 1);
}

TEST_F(RunTest, LongReasonIsCutBetweenCharacters) {
  start({.units = 1});
  const Lease lease = take(join());
  UnitFailure failure;
  failure.unit = lease.unit;
  failure.token = lease.token;
  failure.failure_class = FailureClass::kCrash;
  failure.reason = "a\n";
  for (int i = 0; i < 1000; ++i) failure.reason += "\u00e9";
  ASSERT_TRUE((*run_)->fail(failure).ok());
  const std::string reason = (*run_)->snapshot().failures.at(0).reason;
  EXPECT_TRUE(reason.starts_with("a \u00e9"));
  EXPECT_TRUE(reason.ends_with("\u00e9..."));
  EXPECT_LT(reason.size(), 510u);
}

}  // namespace
}  // namespace lens::coordinator
