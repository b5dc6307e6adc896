#include "coordinator/lease_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "tests/coordinator/fake_clock.h"

namespace lens::coordinator {
namespace {

using std::chrono::seconds;

constexpr auto kProceed = LeaseTable::CommitStep::kProceed;
constexpr auto kDuplicate = LeaseTable::CommitStep::kDuplicate;

class LeaseTableTest : public ::testing::Test {
 protected:
  WorkerId join(int pid) {
    WorkerIdentity identity;
    identity.host = "node";
    identity.pid = pid;
    return table_.join(identity).id;
  }
  Lease take(WorkerId worker) {
    const auto lease = table_.acquire(worker);
    EXPECT_TRUE(lease.ok() && lease->has_value());
    return lease.ok() && lease->has_value() ? **lease : Lease{};
  }
  // As a worker that takes all there is until it gets `unit`.
  Lease take(WorkerId worker, UnitIndex unit) {
    Lease lease;
    do {
      lease = take(worker);
    } while (lease.token.number > 0 && lease.unit != unit);
    return lease;
  }
  std::vector<Lease> expire() {
    std::vector<Lease> expired = table_.expire(table_.overdue());
    table_.forget_silent();
    return expired;
  }
  bool commit(const Lease& lease) {
    const auto step = table_.begin_commit(lease.token, lease.unit);
    if (!step.ok()) return false;
    table_.end_commit(lease.token, 1);
    return true;
  }
  std::vector<LeaseToken> beat(WorkerId worker, const Lease& lease) {
    const std::vector<LeaseProgress> leases = {{lease.token, lease.unit, 0}};
    const auto revoked = table_.renew(worker, leases);
    EXPECT_TRUE(revoked.ok()) << revoked.status();
    return revoked.ok() ? *revoked : std::vector<LeaseToken>{};
  }

  FakeClock clock_;
  LeaseTable table_{
      {.epoch = 3, .lease_duration = seconds(30)}, clock_.clock(), 4};
};

TEST_F(LeaseTableTest, UnitsAreHandedOutInOrderUnderDistinctTokens) {
  const WorkerId worker = join(1);
  const Lease first = take(worker), second = take(worker);
  EXPECT_EQ(to_int(first.unit), 0);
  EXPECT_EQ(to_int(second.unit), 1);
  EXPECT_EQ(first.token.epoch, 3u);
  EXPECT_NE(first.token, second.token);
  EXPECT_EQ(first.attempt, 1);
}

TEST_F(LeaseTableTest, UnitLeasedFromAnEarlierCoordinatorComesLast) {
  table_.set_attempts(UnitIndex{0}, 2);
  table_.set_attempts(UnitIndex{1}, 0);
  const WorkerId worker = join(1);
  for (const int unit : {1, 2, 3}) EXPECT_EQ(to_int(take(worker).unit), unit);
  const Lease last = take(worker);
  EXPECT_EQ(to_int(last.unit), 0);
  EXPECT_EQ(last.attempt, 3);
}

TEST_F(LeaseTableTest, ExpiredLeaseIsReissuedAsTheNextAttempt) {
  const Lease first = take(join(1));
  clock_.advance(seconds(29));
  EXPECT_TRUE(expire().empty());
  clock_.advance(seconds(1));
  EXPECT_EQ(expire().size(), 1u);

  const Lease second = take(join(2), first.unit);
  EXPECT_EQ(second.unit, first.unit);
  EXPECT_EQ(second.attempt, 2);
  EXPECT_GT(second.token, first.token);
}

TEST_F(LeaseTableTest, LateCommitAfterReissueIsRejected) {
  const Lease first = take(join(1));
  clock_.advance(seconds(30));
  expire();
  const Lease second = take(join(2), first.unit);
  EXPECT_TRUE(absl::IsFailedPrecondition(
      table_.begin_commit(first.token, first.unit).status()));
  EXPECT_TRUE(commit(second));
  EXPECT_TRUE(absl::IsFailedPrecondition(
      table_.begin_commit(first.token, first.unit).status()));
}

TEST_F(LeaseTableTest, LateCommitAfterExpiryIsRejectedEvenBeforeReissue) {
  const Lease lease = take(join(1));
  clock_.advance(seconds(30));
  expire();
  EXPECT_FALSE(commit(lease));
  EXPECT_EQ(table_.pending(), 4);
}

TEST_F(LeaseTableTest, HeartbeatsKeepALease) {
  const WorkerId worker = join(1);
  const Lease lease = take(worker);
  for (int beats = 0; beats < 10; ++beats) {
    clock_.advance(seconds(20));
    EXPECT_TRUE(beat(worker, lease).empty());
    EXPECT_TRUE(expire().empty());
  }
  EXPECT_TRUE(commit(lease));
}

TEST_F(LeaseTableTest, LeaseThatNoHeartbeatNamesExpiresThoughItsWorkerLives) {
  const WorkerId worker = join(1);
  const Lease known = take(worker), unknown = take(worker);
  clock_.advance(seconds(20));
  beat(worker, known);
  clock_.advance(seconds(15));
  const auto expired = expire();
  ASSERT_EQ(expired.size(), 1u);
  EXPECT_EQ(expired[0].token, unknown.token);
}

TEST_F(LeaseTableTest, ExpiredLeaseIsRevokedInTheNextHeartbeat) {
  const WorkerId worker = join(1);
  const Lease lease = take(worker);
  clock_.advance(seconds(25));
  ASSERT_TRUE(table_.renew(worker, {}).ok());
  clock_.advance(seconds(10));
  ASSERT_EQ(expire().size(), 1u);
  EXPECT_EQ(beat(worker, lease), std::vector<LeaseToken>{lease.token});
}

TEST_F(LeaseTableTest, HeartbeatThatCrossesItsCommitIsNotRevoked) {
  const WorkerId worker = join(1);
  const Lease lease = take(worker);
  ASSERT_TRUE(commit(lease));
  EXPECT_TRUE(beat(worker, lease).empty());
}

TEST_F(LeaseTableTest, LeaseOfAnotherWorkerIsRevoked) {
  const Lease lease = take(join(1));
  EXPECT_EQ(beat(join(2), lease), std::vector<LeaseToken>{lease.token});
}

TEST_F(LeaseTableTest, RepeatedCommitIsADuplicate) {
  const Lease lease = take(join(1));
  ASSERT_TRUE(commit(lease));
  EXPECT_EQ(*table_.begin_commit(lease.token, lease.unit), kDuplicate);
  EXPECT_EQ(table_.committed(), 1);
}

TEST_F(LeaseTableTest, CommitOfAnEarlierEpochInTheLedgerIsADuplicate) {
  table_.mark_committed(UnitIndex{2}, {1, 7});
  EXPECT_EQ(*table_.begin_commit({1, 7}, UnitIndex{2}), kDuplicate);
  EXPECT_FALSE(table_.begin_commit({1, 8}, UnitIndex{2}).ok());
}

TEST_F(LeaseTableTest, TokenDoesNotCommitAnotherUnit) {
  const Lease lease = take(join(1));
  EXPECT_FALSE(table_.begin_commit(lease.token, UnitIndex{3}).ok());
}

TEST_F(LeaseTableTest, LeaseNeitherExpiresNorEndsWhileItsCommitIsWritten) {
  const WorkerId worker = join(1);
  const Lease lease = take(worker);
  ASSERT_EQ(*table_.begin_commit(lease.token, lease.unit), kProceed);
  clock_.advance(seconds(300));
  EXPECT_TRUE(expire().empty());
  EXPECT_FALSE(table_.release(lease.token, lease.unit).has_value());
  WorkerIdentity again;
  again.host = "node";
  again.pid = 1;
  EXPECT_TRUE(table_.join(again).freed.empty());
  EXPECT_TRUE(absl::IsUnavailable(
      table_.begin_commit(lease.token, lease.unit).status()));
  table_.end_commit(lease.token, 1);
  EXPECT_EQ(table_.committed(), 1);
}

TEST_F(LeaseTableTest, AbortedCommitMakesTheUnitPendingAgain) {
  const Lease lease = take(join(1));
  ASSERT_EQ(*table_.begin_commit(lease.token, lease.unit), kProceed);
  EXPECT_TRUE(table_.abort_commit(lease.token).has_value());
  EXPECT_EQ(table_.pending(), 4);
  EXPECT_FALSE(commit(lease));
}

TEST_F(LeaseTableTest, ReleasedUnitIsPendingAndItsTokenStale) {
  const Lease lease = take(join(1));
  EXPECT_TRUE(table_.release(lease.token, lease.unit).has_value());
  EXPECT_FALSE(table_.release(lease.token, lease.unit).has_value());
  EXPECT_FALSE(commit(lease));
  EXPECT_EQ(take(join(2), lease.unit).unit, lease.unit);
}

TEST_F(LeaseTableTest, UnitThatWasLostComesBehindThoseThatWereNot) {
  const WorkerId worker = join(1);
  const Lease first = take(worker), second = take(worker);
  // In the order of their losses, not of their numbers.
  table_.release(second.token, second.unit);
  table_.release(first.token, first.unit);
  std::vector<int> order;
  for (int i = 0; i < 4; ++i) order.push_back(to_int(take(worker).unit));
  EXPECT_EQ(order, (std::vector<int>{2, 3, 1, 0}));
}

TEST_F(LeaseTableTest, ProcessesOfOneHostNameAndPidAreTwoWorkers) {
  WorkerIdentity container;
  container.host = "app";
  container.pid = 1;
  container.instance = "a";
  const WorkerId first = table_.join(container).id;
  const Lease lease = take(first);
  container.instance = "b";
  const auto second = table_.join(container);
  EXPECT_TRUE(second.freed.empty());
  EXPECT_TRUE(beat(first, lease).empty());
  EXPECT_TRUE(commit(lease));
  // The same process again is the same worker.
  take(second.id);
  EXPECT_EQ(table_.join(container).freed.size(), 1u);
  EXPECT_EQ(table_.workers().size(), 2u);
}

TEST_F(LeaseTableTest, ExcusedSilenceEndsNoLease) {
  const WorkerId worker = join(1);
  const Lease lease = take(worker);
  clock_.advance(seconds(300));
  table_.excuse_silence();
  EXPECT_TRUE(expire().empty());
  EXPECT_TRUE(table_.silent().empty());
  clock_.advance(seconds(30));
  EXPECT_EQ(expire().size(), 1u);
  EXPECT_FALSE(commit(lease));
}

TEST_F(LeaseTableTest, WorkersOfACrowdCallSeldomerAndTheirLeasesLastLonger) {
  const WorkerId early = join(1);
  const Lease lease = take(early);
  EXPECT_EQ(table_.interval(), seconds(5));
  for (int pid = 2; pid <= 4000; ++pid) join(pid);
  EXPECT_EQ(table_.interval(), seconds(40));
  // It knows nothing of that yet.
  clock_.advance(seconds(8));
  EXPECT_FALSE(table_.silent().empty());
  beat(early, lease);
  clock_.advance(seconds(59));
  EXPECT_TRUE(expire().empty());
  for (const Worker& worker : table_.silent()) EXPECT_NE(worker.id, early);
  clock_.advance(seconds(2));
  const std::vector<Worker> silent = table_.silent();
  EXPECT_TRUE(std::ranges::any_of(
      silent, [&](const Worker& worker) { return worker.id == early; }));
  clock_.advance(seconds(239 - 61));
  EXPECT_TRUE(expire().empty());
  clock_.advance(seconds(1));
  EXPECT_EQ(expire().size(), 1u);
}

// What it was told counts, not what it would be told now: it waits that long.
TEST_F(LeaseTableTest, LeaseOfAFormerCrowdLastsAsLongAsItsWorkerWasTold) {
  const WorkerId worker = join(1);
  std::vector<WorkerId> others;
  for (int pid = 2; pid <= 4000; ++pid) others.push_back(join(pid));
  EXPECT_TRUE(table_.renew(worker, {}).ok());
  for (const WorkerId other : others) table_.leave(other);
  EXPECT_EQ(table_.interval(), seconds(5));
  take(worker);
  clock_.advance(seconds(239));
  EXPECT_TRUE(expire().empty());
  clock_.advance(seconds(1));
  EXPECT_EQ(expire().size(), 1u);
}

TEST_F(LeaseTableTest, LeaseRenewedSinceItWasLookedAtDoesNotExpire) {
  const WorkerId worker = join(1);
  const Lease lease = take(worker);
  clock_.advance(seconds(31));
  const std::vector<Lease> overdue = table_.overdue();
  ASSERT_EQ(overdue.size(), 1u);
  beat(worker, lease);
  EXPECT_TRUE(table_.expire(overdue).empty());
  EXPECT_TRUE(commit(lease));
}

TEST_F(LeaseTableTest, PausedCommitMayBeTriedAgain) {
  const Lease lease = take(join(1));
  ASSERT_EQ(*table_.begin_commit(lease.token, lease.unit), kProceed);
  table_.postpone_commit(lease.token);
  EXPECT_EQ(*table_.begin_commit(lease.token, lease.unit), kProceed);
}

TEST_F(LeaseTableTest, ProcessThatJoinsAgainLosesItsLeases) {
  const WorkerId first = join(1);
  take(first);
  const WorkerId other = join(2);
  const Lease kept = take(other);
  WorkerIdentity again;
  again.host = "node";
  again.pid = 1;
  const auto joined = table_.join(again);
  EXPECT_EQ(joined.freed.size(), 1u);
  EXPECT_NE(joined.id, first);
  EXPECT_TRUE(absl::IsNotFound(table_.acquire(first).status()));
  EXPECT_TRUE(commit(kept));
}

TEST_F(LeaseTableTest, SilentWorkerIsForgottenAndHasToJoinAgain) {
  const WorkerId worker = join(1);
  clock_.advance(seconds(30));
  expire();
  EXPECT_TRUE(absl::IsNotFound(table_.renew(worker, {}).status()));
  EXPECT_TRUE(table_.workers().empty());
}

TEST_F(LeaseTableTest, WorkerIdsOfTwoCoordinatorsDiffer) {
  LeaseTable next({.epoch = 4, .lease_duration = seconds(30)}, clock_.clock(),
                  1);
  EXPECT_NE(join(1), next.join(WorkerIdentity{}).id);
}

TEST_F(LeaseTableTest, GivenUpUnitIsNotHandedOut) {
  table_.give_up(UnitIndex{0});
  EXPECT_EQ(to_int(take(join(1)).unit), 1);
  EXPECT_EQ(table_.pending(), 2);
}

TEST_F(LeaseTableTest, AttemptsGoOnFromTheLedger) {
  table_.set_attempts(UnitIndex{0}, 5);
  EXPECT_EQ(take(join(1), UnitIndex{0}).attempt, 6);
}

TEST_F(LeaseTableTest, EverybodyHasLeftOnlyWithoutLeasesAndOnceTold) {
  const WorkerId worker = join(1);
  const Lease lease = take(worker);
  ASSERT_TRUE(table_.tell_to_leave(worker).ok());
  EXPECT_FALSE(table_.all_told_to_leave());
  ASSERT_TRUE(commit(lease));
  EXPECT_TRUE(table_.all_told_to_leave());
  join(2);
  EXPECT_FALSE(table_.all_told_to_leave());
}

TEST_F(LeaseTableTest, WorkerThatSaysGoodbyeGivesItsLeasesBack) {
  const WorkerId worker = join(1);
  take(worker);
  EXPECT_EQ(table_.leave(worker).size(), 1u);
  EXPECT_EQ(table_.pending(), 4);
  EXPECT_TRUE(table_.workers().empty());
  EXPECT_TRUE(table_.leave(worker).empty());
}

}  // namespace
}  // namespace lens::coordinator
