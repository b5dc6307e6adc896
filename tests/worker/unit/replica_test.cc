#include "worker/replica.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/collective/thread_collective.h"

namespace lens::worker {
namespace {

using collective::Collective;
using ::testing::ElementsAre;

PreparedUnit unit_of(int index) {
  PreparedUnit unit;
  unit.unit.index = index;
  unit.unit.dataset = "mtvqa";
  unit.unit.samples = 2;
  image::FittedImage image;
  image.pixels = {
      2, 3, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 255}};
  image.grid_height = 4;
  image.grid_width = 6;
  unit.images.push_back(image);
  PreparedSample good;
  good.record.sample_id = "0.0";
  good.record.status = storage::SampleStatus::kOk;
  good.prompt.ids = {5, 151655, 7};
  good.prompt.roles = {storage::TokenRole::kTemplate,
                       storage::TokenRole::kImage,
                       storage::TokenRole::kQuestion};
  good.image = 0;
  PreparedSample bad;
  bad.record.sample_id = "0.1";
  bad.record.status = storage::SampleStatus::kFailed;
  unit.samples = {good, bad};
  return unit;
}

// Takes three steps, asking before each whether to stop; writes down what it
// was given. Fails as it is told.
class Recorder final : public UnitRunner {
 public:
  storage::UnitResult run(PreparedUnit prepared, bool alone,
                          const Hooks& hooks) override {
    units.push_back(prepared);
    runs_alone.push_back(alone);
    for (int step = 0; step < 3; ++step) {
      if (hooks.cancelled && hooks.cancelled()) throw Abandoned("given up");
      if (fail) fail(step);
      ++steps;
    }
    storage::UnitResult result;
    for (const PreparedSample& sample : prepared.samples) {
      result.samples.push_back(sample.record);
    }
    return result;
  }

  std::function<void(int step)> fail;
  std::vector<PreparedUnit> units;
  std::vector<bool> runs_alone;
  int steps = 0;
};

// Rank 0 does `lead`, the others follow; gives each rank's recorder.
std::vector<Recorder> lead(
    int size, const std::function<void(int rank, Recorder&)>& arrange,
    const std::function<void(Replica&)>& lead) {
  std::vector<Recorder> recorders(static_cast<std::size_t>(size));
  collective::as_ranks(size, [&](const std::shared_ptr<Collective>& ranks) {
    Recorder& own = recorders[static_cast<std::size_t>(ranks->rank())];
    arrange(ranks->rank(), own);
    Replica replica(ranks, own);
    if (ranks->rank() != 0) return replica.follow();
    lead(replica);
    replica.dismiss();
  });
  return recorders;
}

void nothing(int, Recorder&) {}

TEST(Replica, OfOneProcessIsItsRunner) {
  Recorder recorder;
  Replica replica = Replica::alone(recorder);
  EXPECT_EQ(replica.run(unit_of(1), true, {}).samples.size(), 2);
  replica.dismiss();
  EXPECT_THAT(recorder.runs_alone, ElementsAre(true));
}

TEST(Replica, AllRanksAreGivenWhatTheModelReads) {
  const auto recorders = lead(3, nothing, [](Replica& replica) {
    EXPECT_EQ(replica.run(unit_of(4), false, {}).samples.size(), 2);
    EXPECT_EQ(replica.run(unit_of(5), true, {}).samples.size(), 2);
  });
  for (const Recorder& recorder : recorders) {
    ASSERT_EQ(recorder.units.size(), 2);
    EXPECT_THAT(recorder.runs_alone, ElementsAre(false, true));
    EXPECT_EQ(recorder.steps, 6);
    const PreparedUnit& got = recorder.units[1];
    const PreparedUnit want = unit_of(5);
    EXPECT_EQ(got.unit, want.unit);
    ASSERT_EQ(got.images.size(), 1);
    EXPECT_EQ(got.images[0].pixels.pixels, want.images[0].pixels.pixels);
    EXPECT_EQ(got.images[0].pixels.width, 3);
    EXPECT_EQ(got.images[0].grid_width, 6);
    ASSERT_EQ(got.samples.size(), 2);
    EXPECT_EQ(got.samples[0].prompt.ids, want.samples[0].prompt.ids);
    EXPECT_EQ(got.samples[0].prompt.roles, want.samples[0].prompt.roles);
    EXPECT_EQ(got.samples[0].record.sample_id, "0.0");
    EXPECT_EQ(got.samples[1].record.status, storage::SampleStatus::kFailed);
    EXPECT_EQ(got.samples[1].image, -1);
  }
}

// What is noted of a rank's work is there while it works, and names the lease.
TEST(Replica, FollowersWatchTheUnitThatTheyRun) {
  std::vector<std::string> told;
  const auto watching = std::make_shared<int>(0);
  collective::as_ranks(2, [&](const std::shared_ptr<Collective>& ranks) {
    Recorder own;
    Replica replica(ranks, own);
    if (ranks->rank() == 0) {
      for (int index : {4, 5}) {
        PreparedUnit unit = unit_of(index);
        unit.lease = {.epoch = 7, .number = 70u + index};
        replica.run(unit, false, {});
      }
      return replica.dismiss();
    }
    own.fail = [&](int) { EXPECT_GT(watching.use_count(), 1); };
    replica.follow([&](const PreparedUnit& unit) {
      told.push_back(std::to_string(unit.unit.index) + " by " +
                     std::to_string(unit.lease.epoch) + "-" +
                     std::to_string(unit.lease.number));
      return UnitRunner::Hooks{
          .cancelled = [held = watching] { return held == nullptr; },
          .samples_started = {},
          .sample_finished = {}};
    });
    EXPECT_EQ(watching.use_count(), 1);
  });
  EXPECT_THAT(told, ElementsAre("4 by 7-74", "5 by 7-75"));
}

TEST(Replica, AStopReachesAllRanksAtTheSameStep) {
  std::atomic<int> asked = 0;
  const auto recorders = lead(3, nothing, [&](Replica& replica) {
    UnitRunner::Hooks hooks;
    hooks.cancelled = [&] { return ++asked == 2; };
    EXPECT_THROW(replica.run(unit_of(1), false, hooks), Abandoned);
    EXPECT_EQ(replica.run(unit_of(2), false, {}).samples.size(), 2)
        << "the next unit is none the worse";
  });
  for (const Recorder& recorder : recorders) EXPECT_EQ(recorder.steps, 1 + 3);
}

// Whichever rank fails at whichever step, with whatever: all leave the unit,
// rank 0 throws what it was, and the next unit is run by all.
TEST(Replica, AFailureOfAnyRankEndsTheUnitForAll) {
  for (int failing = 0; failing < 3; ++failing) {
    for (int step = 0; step < 3; ++step) {
      const auto recorders = lead(
          3,
          [&](int rank, Recorder& own) {
            if (rank != failing) return;
            own.fail = [&own, step](int now) {
              if (now != step || own.units.size() != 1) return;
              if (step == 0) throw OutOfMemory("no memory for 3 GB");
              if (step == 1) throw FailedCheck("not the model's logits");
              throw std::runtime_error("a strange thing");
            };
          },
          [&](Replica& replica) {
            const std::string who =
                failing == 0
                    ? ""
                    : "rank " + std::to_string(failing) + " of the replica: ";
            try {
              replica.run(unit_of(1), false, {});
              ADD_FAILURE() << "nothing was thrown";
            } catch (const OutOfMemory& problem) {
              EXPECT_EQ(problem.what(), who + "no memory for 3 GB");
              EXPECT_EQ(step, 0);
            } catch (const FailedCheck& problem) {
              EXPECT_EQ(problem.what(), who + "not the model's logits");
              EXPECT_EQ(step, 1);
            } catch (const std::runtime_error& problem) {
              EXPECT_EQ(problem.what(), who + "a strange thing");
              EXPECT_EQ(step, 2);
            }
            EXPECT_EQ(replica.run(unit_of(2), false, {}).samples.size(), 2);
          });
      for (const Recorder& recorder : recorders) {
        EXPECT_EQ(recorder.units.size(), 2)
            << "rank " << failing << " failed at step " << step;
      }
    }
  }
}

}  // namespace
}  // namespace lens::worker
