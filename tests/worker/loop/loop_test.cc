#include "worker/loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <stdexcept>
#include <stop_token>
#include <thread>

#include "base/error.h"
#include "collective/collective_error.h"
#include "storage/part.h"
#include "tests/fakes/fake_coordinator.h"
#include "tests/fakes/fake_unit_work.h"
#include "tests/storage/fixtures.h"

namespace lens::worker {
namespace {

using namespace std::chrono_literals;
using fakes::FakeCoordinator;
using fakes::FakeRunner;
using fakes::FakeSource;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class LoopTest : public ::testing::Test {
 protected:
  LoopTest() {
    storage::fixtures::RunShape shape;
    shape.mtvqa_units = 0;
    shape.latex_units = 6;
    manifest_ = storage::fixtures::make_manifest(shape);
  }

  LoopEnd work() {
    WorkLoop loop(run_, manifest_, "device", coordinator_, source_, runner_,
                  stop_.get_token());
    const LoopEnd end = loop.run();
    times_ = loop.times();
    return end;
  }
  void grant(int units) {
    for (int unit = 0; unit < units; ++unit) coordinator_.grant(unit);
  }
  void fail_unit(std::int32_t wanted, const std::function<void()>& failure) {
    runner_.during = [wanted, failure](const storage::Unit& unit,
                                       const UnitRunner::Hooks& hooks) {
      const std::vector<std::string> sample = {std::to_string(unit.row_begin)};
      hooks.samples_started(sample);
      if (unit.index == wanted) failure();
    };
  }

  storage::fixtures::TemporaryFolder folder_;
  const storage::RunDirectory run_{folder_.path()};
  storage::Manifest manifest_;
  FakeCoordinator coordinator_;
  FakeSource source_;
  FakeRunner runner_;
  std::stop_source stop_;
  WorkLoop::Times times_;
};

TEST_F(LoopTest, UnitsAreCommittedInOrderWithTheirPartsOnDisk) {
  grant(3);
  EXPECT_EQ(work(), LoopEnd::kComplete);
  EXPECT_THAT(coordinator_.committed(), ElementsAre(0, 1, 2));
  EXPECT_THAT(coordinator_.failures(), IsEmpty());
  for (const storage::PartReceipt& receipt : coordinator_.receipts()) {
    const storage::Part part =
        storage::read_part(run_.root() / receipt.file_name);
    EXPECT_EQ(part.header.run_id, manifest_.run_id);
    EXPECT_EQ(part.result.samples.size(), 4u);
  }
  EXPECT_TRUE(std::filesystem::is_empty(run_.crashes()));
}

TEST_F(LoopTest, NextUnitIsPreparedWhileOneIsComputed) {
  grant(2);
  runner_.during = [&](const storage::Unit& unit, const UnitRunner::Hooks&) {
    if (unit.index != 0) return;
    EXPECT_TRUE(source_.was_asked(2));
    EXPECT_THAT(source_.prepared(), ElementsAre(0, 1));
  };
  EXPECT_EQ(work(), LoopEnd::kComplete);
}

TEST_F(LoopTest, SuspectUnitHasTheProcessToItself) {
  coordinator_.grant(0);
  coordinator_.grant(1, /*alone=*/true);
  coordinator_.grant(2);
  source_.before = [](const storage::Unit& unit,
                      const PrepareOptions& options) {
    EXPECT_EQ(options.one_image_at_a_time, unit.index == 1);
  };
  runner_.during = [&](const storage::Unit& unit, const UnitRunner::Hooks&) {
    std::this_thread::sleep_for(20ms);
    const std::vector<InWork> all = in_work();
    if (unit.index == 0) {
      EXPECT_THAT(source_.prepared(), ElementsAre(0));
    }
    if (unit.index != 1) return;
    EXPECT_THAT(source_.prepared(), ElementsAre(0, 1));
    ASSERT_EQ(all.size(), 1u);
    EXPECT_EQ(all[0].stage, Stage::kModel);
    EXPECT_THAT(coordinator_.committed(), ElementsAre(0));
  };
  EXPECT_EQ(work(), LoopEnd::kComplete);
  EXPECT_TRUE(runner_.ran.at(1).alone);
  EXPECT_THAT(coordinator_.committed(), ElementsAre(0, 1, 2));
}

TEST_F(LoopTest, QuarantinedSampleIsNotRun) {
  coordinator_.grant(0, false, {{"1", "it kills"}});
  EXPECT_EQ(work(), LoopEnd::kComplete);
  const storage::Part part =
      storage::read_part(run_.root() / coordinator_.receipts().at(0).file_name);
  EXPECT_EQ(part.result.samples.at(1).failure, "it kills");
  EXPECT_EQ(part.result.samples.at(1).status, storage::SampleStatus::kFailed);
}

TEST_F(LoopTest, FailedUnitIsToldWithItsSampleAndTheOthersAreDone) {
  struct Case {
    std::function<void()> failure;
    FailureClass expected;
  };
  const Case cases[] = {
      {[] { throw FailedCheck("why"); }, FailureClass::kCheck},
      {[] { throw OutOfMemory("why"); }, FailureClass::kOutOfMemory},
      {[] { throw std::bad_alloc(); }, FailureClass::kOutOfMemory},
      {[] { throw StorageError("why"); }, FailureClass::kStore},
      {[] { throw InputError("why"); }, FailureClass::kCrash},
      {[] { throw InputChanged("why"); }, FailureClass::kInput},
  };
  for (std::size_t i = 0; i < std::size(cases); ++i) {
    coordinator_.grant(0);
    coordinator_.grant(1);
    fail_unit(0, cases[i].failure);
    EXPECT_EQ(work(), LoopEnd::kComplete);
    ASSERT_EQ(coordinator_.failures().size(), i + 1);
    const FakeCoordinator::Failure failure = coordinator_.failures().back();
    EXPECT_EQ(failure.failure_class, cases[i].expected);
    EXPECT_EQ(failure.unit, 0);
    EXPECT_EQ(failure.sample, "0");
    EXPECT_EQ(coordinator_.committed().size(), i + 1);
  }
}

TEST_F(LoopTest, UnknownExceptionIsACrashAndEndsTheWorker) {
  grant(2);
  fail_unit(0,
            [] { throw std::logic_error("the device is in no known state"); });
  EXPECT_THROW(work(), std::logic_error);
  ASSERT_EQ(coordinator_.failures().size(), 1u);
  EXPECT_EQ(coordinator_.failures()[0].failure_class, FailureClass::kCrash);
}

// Another rank of the replica is gone: the unit is not to blame for it here.
TEST_F(LoopTest, RanksThatCannotGoOnGiveTheUnitBackAndEndTheWorker) {
  grant(2);
  fail_unit(0, [] { throw collective::CollectiveError("rank 1 is gone"); });
  EXPECT_THROW(work(), collective::CollectiveError);
  ASSERT_EQ(coordinator_.failures().size(), 1u);
  EXPECT_EQ(coordinator_.failures()[0].failure_class, FailureClass::kLost);
  EXPECT_EQ(coordinator_.failures()[0].reason, "rank 1 is gone");
}

TEST_F(LoopTest, UnitThatCannotBeReadIsTold) {
  grant(2);
  source_.before = [](const storage::Unit& unit, const PrepareOptions&) {
    if (unit.index == 0) throw InputError("the rows cannot be read");
  };
  EXPECT_EQ(work(), LoopEnd::kComplete);
  ASSERT_EQ(coordinator_.failures().size(), 1u);
  EXPECT_THAT(coordinator_.failures()[0].reason, HasSubstr("rows cannot"));
  EXPECT_THAT(coordinator_.committed(), ElementsAre(1));
}

TEST_F(LoopTest, StalePartIsDroppedAndTheLoopGoesOn) {
  grant(2);
  coordinator_.commits_are_stale();
  EXPECT_EQ(work(), LoopEnd::kComplete);
  EXPECT_EQ(coordinator_.receipts().size(), 2u);
  for (const storage::PartReceipt& receipt : coordinator_.receipts()) {
    EXPECT_FALSE(std::filesystem::exists(run_.root() / receipt.file_name));
  }
}

TEST_F(LoopTest, RevokedUnitIsGivenUpAndTheNextIsDone) {
  grant(2);
  runner_.during = [&](const storage::Unit& unit,
                       const UnitRunner::Hooks& hooks) {
    if (unit.index != 0) return;
    coordinator_.revoke(0);
    EXPECT_TRUE(coordinator_.beats_again(2));
    EXPECT_TRUE(hooks.cancelled());
    throw Abandoned("cancelled");
  };
  EXPECT_EQ(work(), LoopEnd::kComplete);
  EXPECT_THAT(coordinator_.committed(), ElementsAre(1));
  ASSERT_EQ(coordinator_.failures().size(), 1u);
  EXPECT_EQ(coordinator_.failures()[0].failure_class, FailureClass::kLost);
}

TEST_F(LoopTest, StopReleasesWhatIsHeld) {
  grant(3);
  runner_.during = [&](const storage::Unit&, const UnitRunner::Hooks& hooks) {
    stop_.request_stop();
    EXPECT_TRUE(hooks.cancelled());
    throw Abandoned("cancelled");
  };
  EXPECT_EQ(work(), LoopEnd::kDrained);
  EXPECT_THAT(coordinator_.committed(), IsEmpty());
  for (const FakeCoordinator::Failure& failure : coordinator_.failures()) {
    EXPECT_EQ(failure.failure_class, FailureClass::kLost);
  }
}

TEST_F(LoopTest, DrainThatAHeartbeatBringsEndsTheLoop) {
  grant(3);
  runner_.during = [&](const storage::Unit&, const UnitRunner::Hooks& hooks) {
    coordinator_.drain();
    EXPECT_TRUE(coordinator_.beats_again(2));
    EXPECT_TRUE(hooks.cancelled());
    throw Abandoned("cancelled");
  };
  EXPECT_EQ(work(), LoopEnd::kDrained);
}

TEST_F(LoopTest, ProgressGoesOutWithHeartbeats) {
  grant(1);
  runner_.during = [&](const storage::Unit&, const UnitRunner::Hooks& hooks) {
    hooks.sample_finished();
    hooks.sample_finished();
    EXPECT_TRUE(coordinator_.heard_of(0, 2));
  };
  EXPECT_EQ(work(), LoopEnd::kComplete);
}

TEST_F(LoopTest, WaitsAsToldForWorkThatMayCome) {
  coordinator_.answer(Wait{10ms});
  coordinator_.grant(4);
  coordinator_.answer(Leave{LeaveReason::kFailed});
  EXPECT_EQ(work(), LoopEnd::kFailed);
  EXPECT_THAT(coordinator_.committed(), ElementsAre(4));
}

TEST_F(LoopTest, StopEndsALongWaitForWork) {
  coordinator_.answer(Wait{std::chrono::minutes(2)});
  std::jthread stopper([&] {
    EXPECT_TRUE(coordinator_.beats_again(3));
    stop_.request_stop();
  });
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(work(), LoopEnd::kDrained);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::minutes(1));
}

TEST_F(LoopTest, CoordinatorThatDrainsGivesNoMoreWork) {
  coordinator_.grant(1);
  coordinator_.answer(Leave{LeaveReason::kDraining});
  EXPECT_EQ(work(), LoopEnd::kDrained);
  EXPECT_THAT(coordinator_.committed(), ElementsAre(1));
}

TEST_F(LoopTest, CoordinatorThatStaysAwayEndsTheLoop) {
  coordinator_.stays_away();
  EXPECT_THROW(work(), CoordinatorError);
  EXPECT_THAT(coordinator_.failures(), IsEmpty());
}

TEST_F(LoopTest, TimesDoNotOverlap) {
  grant(3);
  runner_.during = [](const storage::Unit&, const UnitRunner::Hooks&) {
    std::this_thread::sleep_for(5ms);
  };
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(work(), LoopEnd::kComplete);
  const std::chrono::duration<double> all =
      std::chrono::steady_clock::now() - begin;
  EXPECT_LE(times_.engine + times_.unit + times_.store, all);
  EXPECT_GE(times_.engine, 15ms);
}

}  // namespace
}  // namespace lens::worker
