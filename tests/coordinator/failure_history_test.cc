#include "coordinator/failure_history.h"

#include <gtest/gtest.h>

#include <string>

namespace lens::coordinator {
namespace {

class FailureHistoryTest : public ::testing::Test {
 protected:
  UnitFailure failure(int unit, FailureClass failure_class,
                      const std::string& sample = "") {
    UnitFailure failure;
    failure.unit = UnitIndex{unit};
    failure.token = {1, ++number_};
    failure.attempt = static_cast<int>(number_);
    failure.failure_class = failure_class;
    failure.sample_id = sample;
    failure.reason = "because";
    return failure;
  }
  Verdict add(int unit, FailureClass failure_class,
              const std::string& sample = "") {
    UnitFailure added = failure(unit, failure_class, sample);
    const Verdict verdict = history_.add(added);
    stored_.push_back(added);
    return verdict;
  }

  std::uint64_t number_ = 0;
  FailureHistory history_;
  std::vector<UnitFailure> stored_;
};

TEST_F(FailureHistoryTest, UnitThatKilledAWorkerIsSuspect) {
  add(0, FailureClass::kLost);
  add(0, FailureClass::kStore);
  EXPECT_FALSE(history_.suspect(UnitIndex{0}));
  add(0, FailureClass::kCrash);
  add(2, FailureClass::kOutOfMemory, "7");
  for (const bool loaded : {false, true}) {
    if (loaded) history_ = FailureHistory(stored_, {});
    EXPECT_TRUE(history_.suspect(UnitIndex{0}));
    EXPECT_FALSE(history_.suspect(UnitIndex{1}));
    EXPECT_TRUE(history_.suspect(UnitIndex{2}));
  }
}

TEST_F(FailureHistoryTest, LostIsNeverCounted) {
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(add(0, FailureClass::kLost), Verdict::kRetry);
    ASSERT_FALSE(stored_.back().counted);
  }
  EXPECT_LE(history_.recent().size(), 100u);
}

TEST_F(FailureHistoryTest, ThirdDeathWithoutASampleGivesTheUnitUp) {
  EXPECT_EQ(add(0, FailureClass::kCrash), Verdict::kRetry);
  EXPECT_EQ(add(0, FailureClass::kLost), Verdict::kRetry);
  EXPECT_EQ(add(1, FailureClass::kCrash), Verdict::kRetry);
  EXPECT_EQ(add(0, FailureClass::kOutOfMemory), Verdict::kRetry);
  EXPECT_EQ(add(0, FailureClass::kCrash), Verdict::kGiveUpUnit);
  EXPECT_TRUE(history_.given_up().contains(UnitIndex{0}));
  EXPECT_FALSE(history_.given_up().contains(UnitIndex{1}));
}

TEST_F(FailureHistoryTest, SecondDeathOfASampleQuarantinesIt) {
  EXPECT_EQ(add(0, FailureClass::kOutOfMemory, "7.1"), Verdict::kRetry);
  EXPECT_EQ(add(0, FailureClass::kOutOfMemory, "7.2"), Verdict::kRetry);
  EXPECT_TRUE(history_.quarantined(UnitIndex{0}).empty());
  EXPECT_EQ(add(0, FailureClass::kCrash, "7.1"), Verdict::kQuarantineSample);
  const auto samples = history_.quarantined(UnitIndex{0});
  ASSERT_EQ(samples.size(), 1u);
  EXPECT_EQ(samples[0].sample_id, "7.1");
  EXPECT_EQ(samples[0].reason, "crash, 2 times: because");
  EXPECT_TRUE(history_.quarantined(UnitIndex{1}).empty());
}

TEST_F(FailureHistoryTest, SampleBlamedAfterItsQuarantineCountsForTheUnit) {
  add(0, FailureClass::kCrash, "7");
  add(0, FailureClass::kCrash, "7");
  EXPECT_EQ(add(0, FailureClass::kCrash, "7"), Verdict::kRetry);
  EXPECT_EQ(add(0, FailureClass::kCrash, "7"), Verdict::kRetry);
  EXPECT_EQ(add(0, FailureClass::kCrash, "7"), Verdict::kGiveUpUnit);
}

TEST_F(FailureHistoryTest, ThirdKillQuarantinesTheSampleItNames) {
  EXPECT_EQ(add(0, FailureClass::kKilled), Verdict::kRetry);
  // People and schedulers kill too: once is no suspicion.
  EXPECT_FALSE(history_.suspect(UnitIndex{0}));
  EXPECT_EQ(add(0, FailureClass::kKilled), Verdict::kRetry);
  EXPECT_TRUE(history_.suspect(UnitIndex{0}));
  EXPECT_EQ(add(0, FailureClass::kKilled, "7"), Verdict::kQuarantineSample);
  EXPECT_EQ(history_.quarantined(UnitIndex{0}).at(0).reason,
            "killed, 3 times: because");
  EXPECT_FALSE(history_.suspect(UnitIndex{0}));
  for (const UnitFailure& kill : stored_) EXPECT_TRUE(kill.counted);
}

TEST_F(FailureHistoryTest, KillsThatNameNoSampleGiveTheUnitUpInTheEnd) {
  for (int i = 1; i < FailureHistory::kKillsOfUnit; ++i) {
    EXPECT_EQ(add(0, FailureClass::kKilled), Verdict::kRetry);
  }
  EXPECT_EQ(add(0, FailureClass::kKilled), Verdict::kGiveUpUnit);
}

TEST_F(FailureHistoryTest, EachBadSampleOfAUnitIsFoundInTurn) {
  for (const char* sample : {"1", "2", "3"}) {
    EXPECT_EQ(add(0, FailureClass::kCrash), Verdict::kRetry);
    EXPECT_TRUE(history_.suspect(UnitIndex{0}));
    EXPECT_EQ(add(0, FailureClass::kCrash, sample), Verdict::kRetry);
    EXPECT_EQ(add(0, FailureClass::kCrash, sample), Verdict::kQuarantineSample);
    EXPECT_FALSE(history_.suspect(UnitIndex{0}));
  }
  EXPECT_EQ(history_.quarantined(UnitIndex{0}).size(), 3u);
}

TEST_F(FailureHistoryTest, ChangedInputFailsTheRunAtOnce) {
  EXPECT_EQ(add(0, FailureClass::kInput), Verdict::kFailRun);
}

TEST_F(FailureHistoryTest, CheckAndStoreAreRetriedThreeTimes) {
  EXPECT_EQ(add(0, FailureClass::kCheck), Verdict::kRetry);
  EXPECT_EQ(add(0, FailureClass::kStore), Verdict::kRetry);
  EXPECT_EQ(add(0, FailureClass::kCheck), Verdict::kRetry);
  EXPECT_EQ(add(0, FailureClass::kCheck), Verdict::kFailRun);
}

TEST_F(FailureHistoryTest, MemoryOfTheLedgerJudgesAsThoughItHadBeenThere) {
  add(0, FailureClass::kCrash);
  add(0, FailureClass::kCrash);
  add(1, FailureClass::kCrash, "9");
  history_ = FailureHistory(stored_, {{UnitIndex{2}, "5", "old"}});
  EXPECT_EQ(history_.quarantined(UnitIndex{2}).size(), 1u);
  EXPECT_EQ(history_.attempts().at(UnitIndex{0}), 2);
  EXPECT_EQ(add(0, FailureClass::kCrash), Verdict::kGiveUpUnit);
  EXPECT_EQ(add(1, FailureClass::kCrash, "9"), Verdict::kQuarantineSample);
}

TEST_F(FailureHistoryTest, ForgivenFailuresDoNotCount) {
  for (int i = 0; i < 3; ++i) add(0, FailureClass::kCrash);
  for (UnitFailure& failure : stored_) failure.counted = false;
  history_ = FailureHistory(stored_, {});
  EXPECT_TRUE(history_.given_up().empty());
  EXPECT_EQ(add(0, FailureClass::kCrash), Verdict::kRetry);
}

}  // namespace
}  // namespace lens::coordinator
