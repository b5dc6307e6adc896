#include "worker/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "proto/address.h"
#include "tests/coordinator/client_case.h"

namespace lens::worker {
namespace {

using coordinator::kRunId;
using coordinator::RunSettings;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;

TEST_F(ClientTest, WorksThroughARun) {
  start({.units = 2});
  const auto client = connect();
  EXPECT_EQ(client->epoch(), 1u);
  EXPECT_EQ(client->heartbeat_interval(), milliseconds(100));
  EXPECT_EQ(client->lease_duration(), seconds(30));
  const Lease first = lease_of(client->acquire());
  const Lease second = lease_of(client->acquire());
  EXPECT_TRUE(beat(*client, first).revoked.empty());
  EXPECT_TRUE(std::holds_alternative<Wait>(client->acquire()));
  EXPECT_EQ(commit(*client, first), CommitAnswer::kCommitted);
  EXPECT_EQ(commit(*client, first), CommitAnswer::kCommitted);
  EXPECT_EQ(commit(*client, second), CommitAnswer::kCommitted);
  const AcquireAnswer last = client->acquire();
  EXPECT_EQ(std::get<Leave>(last).reason, LeaveReason::kComplete);
}

TEST_F(ClientTest, BeatsAsSeldomAsTheCoordinatorSaysUntilTheNextOne) {
  start();
  const auto client = connect();
  const Lease lease = lease_of(client->acquire());
  EXPECT_EQ(client->heartbeat_interval(), milliseconds(100));
  for (int pid = 1; pid < 30; ++pid) {
    coordinator::WorkerIdentity other;
    other.host = "elsewhere";
    other.pid = pid;
    EXPECT_TRUE((*run_)->join(std::string(kRunId), other).ok());
  }
  beat(*client, lease);
  EXPECT_EQ(client->heartbeat_interval(), milliseconds(300));
  stop();
  start();
  EXPECT_EQ(beat(*client, lease).revoked.size(), 1u);
  EXPECT_EQ(client->heartbeat_interval(), milliseconds(100));
}

TEST_F(ClientTest, GoesOnWithTheNextCoordinator) {
  start();
  const auto client = connect();
  const Lease done = lease_of(client->acquire());
  ASSERT_EQ(commit(*client, done), CommitAnswer::kCommitted);
  const Lease in_flight = lease_of(client->acquire());
  stop();

  // Away: nobody knows better than to go on.
  EXPECT_TRUE(beat(*client, in_flight).revoked.empty());

  start();
  EXPECT_EQ(beat(*client, in_flight).revoked,
            std::vector<LeaseToken>{in_flight.token});
  EXPECT_EQ(client->epoch(), 2u);
  EXPECT_EQ(commit(*client, in_flight), CommitAnswer::kStale);
  EXPECT_EQ(commit(*client, done), CommitAnswer::kCommitted);
  const Lease again = lease_of(client->acquire());
  EXPECT_EQ(again.unit, in_flight.unit);
  EXPECT_EQ(again.token.epoch, 2u);
  EXPECT_EQ(commit(*client, again), CommitAnswer::kCommitted);
}

TEST_F(ClientTest, CallWaitsForACoordinatorThatIsAway) {
  start();
  const auto client = connect();
  const Lease lease = lease_of(client->acquire());
  stop();
  std::jthread restart([&] {
    std::this_thread::sleep_for(milliseconds(600));
    start();
  });
  EXPECT_EQ(commit(*client, lease), CommitAnswer::kStale);
  restart.join();
  EXPECT_EQ(lease_of(client->acquire()).unit, lease.unit);
}

TEST_F(ClientTest, ConstructorWaitsForTheCoordinatorToAppear) {
  std::jthread appear([&] {
    std::this_thread::sleep_for(milliseconds(300));
    start();
  });
  const auto client = connect();
  appear.join();
  EXPECT_EQ(lease_of(client->acquire()).unit, 0);
}

TEST_F(ClientTest, GivesUpInOneLineAfterTheTimeGiven) {
  start();
  const auto client = connect(
      1,
      {.call_deadline = seconds(1), .give_up = milliseconds(700), .stop = {}});
  stop();
  const auto begin = std::chrono::steady_clock::now();
  try {
    client->acquire();
    FAIL() << "did not give up";
  } catch (const CoordinatorError& error) {
    EXPECT_THAT(error.what(), HasSubstr("has not answered for"));
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, seconds(3));
}

TEST_F(ClientTest, WhoeverComesAfterTheEndOfTheRunLeaves) {
  ClientOptions options;
  options.believe_complete = milliseconds(300);
  start();
  const auto late = connect(1, options);
  {
    const auto client = connect(2);
    while (true) {
      const AcquireAnswer answer = client->acquire();
      if (std::holds_alternative<Leave>(answer)) break;
      ASSERT_EQ(commit(*client, lease_of(answer)), CommitAnswer::kCommitted);
    }
  }
  stop();
  EXPECT_EQ(std::get<Leave>(late->acquire()).reason, LeaveReason::kComplete);
  EXPECT_TRUE(beat(*late, {}).revoked.empty());
  EXPECT_EQ(commit(*late, {}), CommitAnswer::kStale);
  late->fail({}, FailureClass::kCrash, "", "too late");
  EXPECT_THROW(connect(3, options), RunComplete);
}

// Parts were lost since: the mark is of the past.
TEST_F(ClientTest, CoordinatorThatComesAfterACompleteRunIsWaitedFor) {
  start();
  stop();
  proto::mark_complete(storage::RunDirectory(directory_.path()).complete(),
                       kRunId);
  std::jthread appear([&] {
    std::this_thread::sleep_for(milliseconds(300));
    start();
  });
  const auto client = connect();
  appear.join();
  EXPECT_EQ(lease_of(client->acquire()).unit, 0);
}

TEST_F(ClientTest, StopEndsTheWaiting) {
  start();
  std::stop_source source;
  const auto client = connect(1, {.call_deadline = seconds(1),
                                  .give_up = seconds(60),
                                  .stop = source.get_token()});
  stop();
  std::jthread stopper([&] {
    std::this_thread::sleep_for(milliseconds(200));
    source.request_stop();
  });
  EXPECT_THROW(client->acquire(), CoordinatorError);
}

TEST_F(ClientTest, CoordinatorOfAnotherRunIsRefusedAtOnce) {
  start();
  WorkerIdentity identity;
  EXPECT_THROW(
      Client(storage::RunDirectory(directory_.path()), "another", identity),
      CoordinatorError);
}

TEST_F(ClientTest, GoodbyeGivesLeasesBackAtOnce) {
  start({.units = 1});
  auto client = connect(1);
  const Lease lease = lease_of(client->acquire());
  client.reset();
  const auto other = connect(2);
  const Lease next = lease_of(other->acquire());
  EXPECT_EQ(next.unit, lease.unit);
  EXPECT_EQ(next.attempt, 2);
}

TEST_F(ClientTest, DrainEndsAcquiringAndReleasesEndTheRun) {
  start();
  const auto client = connect();
  const Lease lease = lease_of(client->acquire());
  (*run_)->drain("test");
  EXPECT_TRUE(beat(*client, lease).draining);
  EXPECT_EQ(std::get<Leave>(client->acquire()).reason, LeaveReason::kDraining);
  client->fail(lease, FailureClass::kLost, "", "asked to leave");
  (*run_)->tick();
  EXPECT_TRUE((*run_)->over());
}

TEST_F(ClientTest, QuarantinedSampleComesWithTheLease) {
  start({.units = 1});
  const auto client = connect();
  for (int i = 0; i < 2; ++i) {
    client->fail(lease_of(client->acquire()), FailureClass::kOutOfMemory, "3",
                 "no memory \xff");
  }
  const Lease lease = lease_of(client->acquire());
  EXPECT_EQ(lease.attempt, 3);
  ASSERT_EQ(lease.quarantined.size(), 1u);
  EXPECT_EQ(lease.quarantined[0].sample_id, "3");
  EXPECT_EQ(lease.quarantined[0].reason,
            "out of memory, 2 times: no memory \\xff");
}

// What the receiver's parser refuses would be repeated for ten minutes, and
// then end the worker.
TEST_F(ClientTest, TextThatIsNoUtf8IsSentWithItsBytesSpelled) {
  start({.units = 1});
  WorkerIdentity identity;
  identity.host = "h\xe9";
  identity.device_name = "\xed\xa0\x80";
  Client client(
      storage::RunDirectory(directory_.path()), kRunId, identity,
      {.call_deadline = seconds(1), .give_up = milliseconds(500), .stop = {}});
  const auto worker = (*run_)->snapshot().workers.at(0).identity;
  EXPECT_EQ(worker.host, "h\\xe9");
  EXPECT_EQ(worker.device_name, "\\xed\\xa0\\x80");

  const std::pair<const char*, const char*> reasons[] = {
      {"overlong \xe0\x80\x80", "overlong \\xe0\\x80\\x80"},
      {"surrogate \xed\xa0\x80", "surrogate \\xed\\xa0\\x80"},
      {"beyond \xf4\x90\x80\x80", "beyond \\xf4\\x90\\x80\\x80"},
      {"cut \xe2\x82", "cut \\xe2\\x82"},
      {"whole \xe2\x82\xac", "whole \xe2\x82\xac"},
  };
  for (const auto& [sent, arrived] : reasons) {
    const Lease lease = lease_of(client.acquire());
    EXPECT_NO_THROW(client.fail(lease, FailureClass::kOutOfMemory, "5", sent));
    EXPECT_EQ((*run_)->snapshot().failures.at(0).reason, arrived);
  }
}

TEST_F(ClientTest, LostCourtesyNeverThrows) {
  start();
  const auto client = connect();
  const Lease lease = lease_of(client->acquire());
  stop();
  EXPECT_NO_THROW(client->fail(lease, FailureClass::kLost, "", "leaving"));
}

// Many workers, each with a heartbeat thread, while the coordinator is
// restarted under them: every unit ends up committed once.
TEST_F(ClientTest, RestartsUnderLoadLoseAndDoubleNothing) {
  constexpr int kUnits = 120, kWorkers = 6;
  const RunSettings settings{.units = kUnits, .lease_duration = seconds(5)};
  start(settings);
  std::atomic<int> committed = 0;
  std::vector<std::jthread> workers;
  for (int worker = 0; worker < kWorkers; ++worker) {
    workers.emplace_back([&, worker] {
      const auto client = connect(100 + worker);
      std::jthread heart([&](std::stop_token stopped) {
        while (!stopped.stop_requested()) {
          client->heartbeat({});
          std::this_thread::sleep_for(milliseconds(20));
        }
      });
      while (true) {
        const AcquireAnswer answer = client->acquire();
        if (std::holds_alternative<Leave>(answer)) break;
        if (const auto* wait = std::get_if<Wait>(&answer)) {
          std::this_thread::sleep_for(wait->duration);
          continue;
        }
        if (commit(*client, std::get<Lease>(answer)) ==
            CommitAnswer::kCommitted) {
          ++committed;
        }
      }
    });
  }
  for (int restart = 0; restart < 3; ++restart) {
    std::this_thread::sleep_for(milliseconds(150));
    start(settings);
  }
  std::jthread ticks([&](std::stop_token stopped) {
    while (!stopped.stop_requested()) {
      (*run_)->tick();
      std::this_thread::sleep_for(milliseconds(20));
    }
  });
  workers.clear();
  EXPECT_EQ((*run_)->outcome(), coordinator::Outcome::kComplete);
  EXPECT_EQ((*run_)->snapshot().units_committed, kUnits);
  // A commit that was recorded before a restart may be acknowledged after it.
  EXPECT_LE(committed, kUnits);
}

}  // namespace
}  // namespace lens::worker
