#include "worker/heartbeats.h"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <thread>

#include "tests/fakes/fake_coordinator.h"

namespace lens::worker {
namespace {

using namespace std::chrono_literals;
using fakes::FakeCoordinator;

bool within_ten_seconds(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

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

TEST(Heartbeats, BeatWithoutALeaseToo) {
  FakeCoordinator coordinator;
  const Heartbeats heartbeats(coordinator);
  EXPECT_TRUE(within_ten_seconds([&] { return coordinator.beats() >= 3; }));
}

TEST(Heartbeats, RevokedLeaseIsTold) {
  FakeCoordinator coordinator;
  Heartbeats heartbeats(coordinator);
  heartbeats.hold(lease_of(0));
  heartbeats.hold(lease_of(1));
  coordinator.revoke(1);
  EXPECT_TRUE(
      within_ten_seconds([&] { return heartbeats.revoked(lease_of(1)); }));
  EXPECT_FALSE(heartbeats.revoked(lease_of(0)));
  heartbeats.drop(lease_of(1));
  EXPECT_FALSE(heartbeats.revoked(lease_of(1)));
}

TEST(Heartbeats, DrainIsTold) {
  FakeCoordinator coordinator;
  const Heartbeats heartbeats(coordinator);
  EXPECT_FALSE(heartbeats.draining());
  coordinator.drain();
  EXPECT_TRUE(within_ten_seconds([&] { return heartbeats.draining(); }));
}

TEST(Heartbeats, GoOnThoughTheCoordinatorIsAway) {
  FakeCoordinator coordinator;
  coordinator.stays_away();
  const Heartbeats heartbeats(coordinator);
  EXPECT_TRUE(within_ten_seconds([&] { return coordinator.beats() >= 3; }));
}

}  // namespace
}  // namespace lens::worker
