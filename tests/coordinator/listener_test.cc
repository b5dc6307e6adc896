#include "coordinator/listener.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <string>
#include <vector>

#include "tests/fakes/few_descriptors.h"

namespace lens::coordinator {
namespace {

using fakes::FewDescriptors;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;

class ListenerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto listener = Listener::open(
        {.host = "127.0.0.1", .log = [this](const std::string& line) {
           const std::lock_guard lock(mutex_);
           lines_.push_back(line);
         }});
    ASSERT_TRUE(listener.ok()) << listener.status();
    listener_ = *std::move(listener);
  }
  void start() {
    listener_->start([this](int, int connection) {
      const std::lock_guard lock(mutex_);
      taken_.emplace_back(connection);
      changed_.notify_all();
    });
  }
  Descriptor knock() const {
    Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(listener_->port()));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket.number(), reinterpret_cast<sockaddr*>(&address),
                        sizeof(address)),
              0);
    return socket;
  }
  bool wait_for_taken(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, seconds(10),
                             [&] { return taken_.size() >= count; });
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Descriptor> taken_;   // guarded by mutex_
  std::vector<std::string> lines_;  // guarded by mutex_
  std::unique_ptr<Listener> listener_;
};

TEST_F(ListenerTest, TakesWhatKnockedBeforeItStarted) {
  const Descriptor early = knock();
  start();
  const Descriptor late = knock();
  EXPECT_TRUE(wait_for_taken(2));
}

TEST_F(ListenerTest, StopEndsTheTaking) {
  start();
  listener_->stop();
  const Descriptor late = knock();  // waits in the system's queue
  const std::lock_guard lock(mutex_);
  EXPECT_TRUE(taken_.empty());
}

// gRPC's own listener ends for good here.
TEST_F(ListenerTest, GoesOnAfterDescriptorsRanOut) {
  start();
  {
    const FewDescriptors few(128);
    std::vector<Descriptor> all;
    // Connections stop at the reserve; the rest of it is taken by files.
    std::vector<Descriptor> strangers;
    for (int i = 0; i < 20; ++i) strangers.push_back(knock());
    while (true) {
      Descriptor file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
      if (file.number() < 0) break;
      all.push_back(std::move(file));
    }
    EXPECT_EQ(errno, EMFILE);
    all.pop_back();
    const Descriptor unlucky = knock();
    const auto told = [&] {
      const std::lock_guard lock(mutex_);
      return !lines_.empty();
    };
    for (int i = 0; i < 1000 && !told(); ++i) ::usleep(10'000);
    ASSERT_TRUE(told());
  }
  // Not above: a sanitizer needs descriptors to look at matchers.
  EXPECT_THAT(lines_.front(), HasSubstr("128 files may be open"));
  EXPECT_THAT(lines_.front(), HasSubstr("ulimit -n"));
  const std::size_t before = [&] {
    const std::lock_guard lock(mutex_);
    return taken_.size();
  }();
  const Descriptor lucky = knock();
  EXPECT_TRUE(wait_for_taken(before + 1));
}

TEST_F(ListenerTest, ConnectionsLeaveDescriptorsForTheRun) {
  start();
  const FewDescriptors few(200);
  std::vector<Descriptor> strangers;
  // Half of them are this side's own.
  for (int i = 0; i < 100; ++i) strangers.push_back(knock());
  std::vector<Descriptor> files;
  for (int i = 0; i < 20; ++i) {
    files.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    EXPECT_GE(files.back().number(), 0) << std::strerror(errno);
  }
}

TEST(Reachable, SaysWhyNot) {
  auto listener = Listener::open({.host = "127.0.0.1"});
  ASSERT_TRUE(listener.ok());
  const int port = (*listener)->port();
  EXPECT_TRUE(check_reachable("127.0.0.1", port, seconds(5)).ok());
  listener->reset();
  const auto gone = check_reachable("127.0.0.1", port, seconds(5));
  EXPECT_THAT(std::string(gone.message()), HasSubstr("refused"));
  EXPECT_FALSE(check_reachable("no host", port, milliseconds(100)).ok());
}

TEST(Listener, AddressOfAnotherMachineIsRefusedWithTheReason) {
  const auto listener = Listener::open({.host = "192.0.2.1"});
  EXPECT_THAT(std::string(listener.status().message()),
              HasSubstr("assign requested address"));
}

TEST(Listener, EverywhereIncludesTheLoopbackInterface) {
  for (const char* all : {"0.0.0.0", "::"}) {
    const auto listener = Listener::open({.host = all});
    ASSERT_TRUE(listener.ok()) << listener.status();
    EXPECT_TRUE(
        check_reachable("127.0.0.1", (*listener)->port(), seconds(5)).ok());
  }
}

}  // namespace
}  // namespace lens::coordinator
