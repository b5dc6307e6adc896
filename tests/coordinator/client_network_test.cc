// The network between a worker and its coordinator fails, and heals.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <thread>

#include "proto/address.h"
#include "tests/coordinator/client_case.h"
#include "tests/fakes/tcp_proxy.h"

namespace lens::worker {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using ::testing::HasSubstr;

class ClientNetworkTest : public ClientTest {
 protected:
  void SetUp() override {
    start();
    const auto file = storage::RunDirectory(directory_.path()).address();
    auto address = *proto::read_address(file);
    proxy_.emplace(address.port);
    address.port = proxy_->port();
    ASSERT_TRUE(proto::write_address(file, address).ok());
    client_ = connect(1, {.call_deadline = milliseconds(300),
                          .give_up = seconds(20),
                          .stop = {}});
    lease_ = lease_of(client_->acquire());
  }
  // Destroyed before the coordinator is: it says goodbye.
  void TearDown() override {
    proxy_->pass();
    client_.reset();
  }
  // What a worker does meanwhile. Nothing of it may throw.
  void beat_for(milliseconds duration) {
    const auto end = steady_clock::now() + duration;
    while (steady_clock::now() < end) {
      EXPECT_TRUE(beat(*client_, lease_).revoked.empty());
      std::this_thread::sleep_for(milliseconds(50));
    }
  }
  // The lease is of the same worker as before: its result counts.
  void expect_works_again() {
    const auto begin = steady_clock::now();
    EXPECT_EQ(commit(*client_, lease_), CommitAnswer::kCommitted);
    EXPECT_LT(steady_clock::now() - begin, seconds(10));
    EXPECT_EQ(lease_of(client_->acquire()).token.number, 2u);
    EXPECT_EQ((*run_)->snapshot().workers.size(), 1u);
  }

  std::optional<fakes::TcpProxy> proxy_;
  std::unique_ptr<Client> client_;
  Lease lease_;
};

TEST_F(ClientNetworkTest, WorksAgainAfterItsConnectionWasCut) {
  proxy_->refuse();
  beat_for(milliseconds(200));
  proxy_->pass();
  expect_works_again();
}

// The connection seems to live: nothing but the silence says that it is dead.
TEST_F(ClientNetworkTest, WorksAgainAfterItsConnectionDiedInSilence) {
  proxy_->forget();
  beat_for(milliseconds(100));
  expect_works_again();
}

TEST_F(ClientNetworkTest, WorksAgainAfterABlackHole) {
  proxy_->stall();
  beat_for(milliseconds(500));
  proxy_->forget();
  proxy_->pass();
  expect_works_again();
}

TEST_F(ClientNetworkTest, NoConnectionIsMadeAnewWhileOneWorks) {
  const int before = proxy_->connections();
  beat_for(milliseconds(200));
  expect_works_again();
  EXPECT_EQ(proxy_->connections(), before);
}

// As the handshakes of all workers of a large run, which end together.
TEST_F(ClientNetworkTest, JoinsWhereEveryHandshakeTakesLongerThanTheFirstTry) {
  proxy_->delay(milliseconds(700));
  const auto client = connect(
      2,
      {.call_deadline = milliseconds(100), .give_up = seconds(20), .stop = {}});
  EXPECT_EQ((*run_)->snapshot().workers.size(), 2u);
}

TEST_F(ClientNetworkTest, GivesUpOnABlackHoleInOneLine) {
  client_.reset();
  client_ = connect(2, {.call_deadline = milliseconds(100),
                        .give_up = milliseconds(400),
                        .stop = {}});
  proxy_->stall();
  try {
    client_->acquire();
    FAIL() << "did not give up";
  } catch (const CoordinatorError& error) {
    EXPECT_THAT(error.what(), HasSubstr("has not answered for"));
  }
}

}  // namespace
}  // namespace lens::worker
