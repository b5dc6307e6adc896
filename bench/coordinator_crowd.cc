#include "bench/coordinator_crowd.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <thread>
#include <vector>

#include "proto/client/session.h"

namespace lens::bench {
namespace {

using Clock = std::chrono::steady_clock;
using Stub = v1::Coordinator::Stub;

constexpr std::chrono::minutes kPatience(2);

// One simulated worker.
class Worker {
 public:
  Worker(const std::filesystem::path& run, const std::string& run_id,
         int number)
      : session_(run, identity(run_id, number), {}) {}

  void join() { check(session_.join(kPatience), "Join"); }

  // False: none is left.
  bool acquire() {
    v1::AcquireResponse response;
    check(session_.call(&Stub::Acquire, v1::AcquireRequest(), &response,
                        kPatience),
          "Acquire");
    if (!response.has_lease()) return false;
    held_.push_back(response.lease());
    return true;
  }

  void commit() {
    const v1::Lease lease = held_.back();
    held_.pop_back();
    v1::CommitRequest request;
    *request.mutable_token() = lease.token();
    request.set_unit(lease.unit());
    request.set_part_file(part_name(lease.unit()));
    request.set_part_bytes(1);
    request.set_content_sha256(std::string(64, 'c'));
    request.set_samples_ok(1);
    request.set_tokens(20);
    v1::CommitResponse response;
    check(session_.call(&Stub::Commit, request, &response, kPatience),
          "Commit");
  }

  void heartbeat() {
    v1::HeartbeatRequest request;
    for (const v1::Lease& lease : held_) {
      v1::LeaseProgress* const entry = request.add_leases();
      *entry->mutable_token() = lease.token();
      entry->set_unit(lease.unit());
    }
    v1::HeartbeatResponse response;
    check(session_.call(&Stub::Heartbeat, request, &response, kPatience),
          "Heartbeat");
    if (response.revoked_size() > 0) end_with("a lease was revoked");
    next_ = response.next();
  }

  // As the last answer says.
  Clock::duration interval() const {
    return std::chrono::seconds(next_.seconds()) +
           std::chrono::nanoseconds(next_.nanos());
  }

 private:
  static v1::JoinRequest identity(const std::string& run_id, int number) {
    v1::JoinRequest request;
    request.set_run_id(run_id);
    request.set_host("node" + std::to_string(number / 8));
    request.set_pid(1000 + number);
    request.set_rank(number % 8);
    request.set_world_size(8);
    request.set_device_name("none");
    request.set_software_version("bench");
    request.set_instance("bench-" + std::to_string(number));
    return request;
  }

  static void check(const grpc::Status& status, const char* call) {
    if (status.ok()) return;
    end_with(std::string(call) + ": code " +
             std::to_string(status.error_code()) + " (" +
             status.error_message() + ")");
  }

  proto::Session session_;
  std::vector<v1::Lease> held_;
  google::protobuf::Duration next_;
};

// Some of the workers. What they do they do with threads.
class Crowd {
 public:
  Crowd(const CrowdSettings& settings, const std::filesystem::path& run,
        const std::string& run_id, int process)
      : callers_(callers_of(settings)), seconds_(settings.seconds) {
    for (int number = process; number < settings.workers;
         number += settings.processes) {
      workers_.push_back(std::make_unique<Worker>(run, run_id, number));
    }
  }

  std::int64_t obey(Order what) {
    switch (what) {
      case Order::kJoin:
        return join();
      case Order::kHold:
        return hold();
      case Order::kCommit:
        return commit();
      case Order::kBeat:
        return beat();
    }
    end_with("an order that nobody knows");
  }

 private:
  static int callers_of(const CrowdSettings& settings) {
    const int all = settings.callers > 0 ? settings.callers : settings.workers;
    return std::max(1, all / settings.processes);
  }

  // Calls `work(thread)` in `count` threads.
  template <typename Work>
  static void in_threads(std::size_t count, Work work) {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < count; ++i) {
      threads.emplace_back([=] { work(i); });
    }
  }

  std::int64_t join() {
    in_threads(workers_.size(), [this](std::size_t i) { workers_[i]->join(); });
    return static_cast<std::int64_t>(workers_.size());
  }

  // Each caller goes around its workers, until no unit is left.
  std::int64_t commit() {
    std::atomic<std::int64_t> committed = 0;
    const std::size_t callers =
        std::min(workers_.size(), static_cast<std::size_t>(callers_));
    in_threads(callers, [this, &committed, callers](std::size_t first) {
      for (std::size_t i = first; workers_[i]->acquire();) {
        workers_[i]->commit();
        ++committed;
        i = i + callers < workers_.size() ? i + callers : first;
      }
    });
    return committed;
  }

  std::int64_t hold() {
    for (const auto& worker : workers_) {
      for (int i = 0; i < kHeld; ++i) {
        if (!worker->acquire()) end_with("there are too few units to hold");
      }
    }
    return kHeld * static_cast<std::int64_t>(workers_.size());
  }

  // Evenly spread over the interval, as the starts of real workers are.
  std::int64_t beat() {
    constexpr std::size_t kThreads = 32;
    workers_[0]->heartbeat();
    const Clock::time_point begin = Clock::now();
    const Clock::time_point end = begin + std::chrono::seconds(seconds_);
    const Clock::duration interval = workers_[0]->interval();
    std::atomic<std::int64_t> sent = 0;
    in_threads(kThreads, [&, this](std::size_t first) {
      for (Clock::time_point round = begin; round < end; round += interval) {
        for (std::size_t i = first; i < workers_.size(); i += kThreads) {
          const auto due =
              round + interval * static_cast<std::int64_t>(i) /
                          static_cast<std::int64_t>(workers_.size());
          if (due >= end) return;
          std::this_thread::sleep_until(due);
          workers_[i]->heartbeat();
          ++sent;
        }
      }
    });
    return sent;
  }

  const int callers_;
  const int seconds_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace

void end_with(const std::string& line) {
  std::fprintf(stderr, "coordinator_load: %s\n", line.c_str());
  std::_Exit(1);  // other threads go on with calls: nothing is torn down
}

std::string part_name(int unit) {
  return std::string("parts/") + kDataset + "/" + std::to_string(unit) + ".h5";
}

CrowdProcess::CrowdProcess(const CrowdSettings& settings,
                           const std::filesystem::path& run,
                           const std::string& run_id, int process) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    end_with("no sockets");
  }
  pid_ = ::fork();
  if (pid_ < 0) end_with("no processes");
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::close(ends[0]);
    Crowd crowd(settings, run, run_id, process);
    char what = 0;
    while (::read(ends[1], &what, 1) == 1) {
      const std::int64_t count = crowd.obey(static_cast<Order>(what));
      if (::write(ends[1], &count, sizeof(count)) != sizeof(count)) break;
    }
    ::_exit(0);
  }
  ::close(ends[1]);
  socket_ = ends[0];
}

CrowdProcess::~CrowdProcess() {
  // Its end of the pair is not closed by ours: later crowds hold a copy.
  ::kill(pid_, SIGKILL);
  ::close(socket_);
  ::waitpid(pid_, nullptr, 0);
}

void CrowdProcess::order(Order what) const {
  const char letter = static_cast<char>(what);
  if (::write(socket_, &letter, 1) != 1) end_with("a crowd has ended");
}

std::int64_t CrowdProcess::answer() const {
  std::int64_t count = 0;
  if (::read(socket_, &count, sizeof(count)) != sizeof(count)) {
    end_with("a crowd has ended");
  }
  return count;
}

}  // namespace lens::bench
