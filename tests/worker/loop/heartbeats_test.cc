#include "worker/heartbeats.h"

#include <gtest/gtest.h>

#include <chrono>

#include "tests/fakes/fake_coordinator.h"

namespace lens::worker {
namespace {

using fakes::FakeCoordinator;

Lease lease_of(std::int32_t unit) {
  Lease lease;
  lease.token = {1, static_cast<std::uint64_t>(unit + 1)};
  lease.unit = unit;
  return lease;
}

TEST(Heartbeats, NameAllThatIsHeldAndHowFarItIs) {
  FakeCoordinator coordinator;
  Heartbeats heartbeats(coordinator);
  heartbeats.hold(lease_of(0));
  heartbeats.hold(lease_of(1));
  heartbeats.sample_done(lease_of(1));
  EXPECT_TRUE(coordinator.heard_of(0));
  EXPECT_TRUE(coordinator.heard_of(1, 1));
}

TEST(Heartbeats, DroppedLeaseIsNamedNoMore) {
  FakeCoordinator coordinator;
  Heartbeats heartbeats(coordinator);
  heartbeats.hold(lease_of(0));
  heartbeats.hold(lease_of(1));
  EXPECT_TRUE(coordinator.heard_of(0));
  heartbeats.drop(lease_of(0));
  heartbeats.sample_done(lease_of(0));
  EXPECT_TRUE(coordinator.forgot(0));
  EXPECT_TRUE(coordinator.heard_of(1));
}

TEST(Heartbeats, EndIsNotKeptByALongInterval) {
  FakeCoordinator coordinator;
  coordinator.beat_every(std::chrono::minutes(2));
  const auto begin = std::chrono::steady_clock::now();
  { const Heartbeats heartbeats(coordinator); }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::minutes(1));
  EXPECT_EQ(coordinator.beats(), 0);
}

TEST(Heartbeats, BeatWithoutALeaseToo) {
  FakeCoordinator coordinator;
  const Heartbeats heartbeats(coordinator);
  EXPECT_TRUE(coordinator.beats_again(3));
}

TEST(Heartbeats, RevokedLeaseIsTold) {
  FakeCoordinator coordinator;
  Heartbeats heartbeats(coordinator);
  heartbeats.hold(lease_of(0));
  heartbeats.hold(lease_of(1));
  coordinator.revoke(1);
  EXPECT_TRUE(coordinator.beats_again(2));
  EXPECT_TRUE(heartbeats.revoked(lease_of(1)));
  EXPECT_FALSE(heartbeats.revoked(lease_of(0)));
  heartbeats.drop(lease_of(1));
  EXPECT_FALSE(heartbeats.revoked(lease_of(1)));
}

TEST(Heartbeats, DrainIsTold) {
  FakeCoordinator coordinator;
  const Heartbeats heartbeats(coordinator);
  EXPECT_FALSE(heartbeats.draining());
  coordinator.drain();
  EXPECT_TRUE(coordinator.beats_again(2));
  EXPECT_TRUE(heartbeats.draining());
}

TEST(Heartbeats, GoOnThoughTheCoordinatorIsAway) {
  FakeCoordinator coordinator;
  coordinator.stays_away();
  const Heartbeats heartbeats(coordinator);
  EXPECT_TRUE(coordinator.beats_again(3));
}

}  // namespace
}  // namespace lens::worker
