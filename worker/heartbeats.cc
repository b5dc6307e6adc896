#include "worker/heartbeats.h"

#include <spdlog/spdlog.h>

#include <exception>
#include <vector>

namespace lens::worker {

Heartbeats::Heartbeats(Coordinator& coordinator)
    : coordinator_(coordinator), thread_([this] { beat(); }) {}

Heartbeats::~Heartbeats() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void Heartbeats::hold(const Lease& lease) {
  {
    const std::lock_guard lock(mutex_);
    progress_[lease.token].sent = {
        .token = lease.token, .unit = lease.unit, .samples_done = 0};
  }
  // The lease may be of another coordinator, which is to be told sooner.
  wake_.notify_all();
}

void Heartbeats::drop(const Lease& lease) {
  const std::lock_guard lock(mutex_);
  progress_.erase(lease.token);
}

void Heartbeats::sample_done(const Lease& lease) {
  const std::lock_guard lock(mutex_);
  const auto found = progress_.find(lease.token);
  if (found != progress_.end()) ++found->second.sent.samples_done;
}

bool Heartbeats::revoked(const Lease& lease) const {
  const std::lock_guard lock(mutex_);
  const auto found = progress_.find(lease.token);
  return found != progress_.end() && found->second.revoked;
}

void Heartbeats::beat() {
  using Clock = std::chrono::steady_clock;
  std::unique_lock lock(mutex_);
  Clock::time_point last = Clock::now();
  while (!stopping_) {
    const Clock::time_point due = last + coordinator_.heartbeat_interval();
    if (Clock::now() < due) {
      wake_.wait_until(lock, due);
      continue;
    }
    last = Clock::now();
    std::vector<LeaseProgress> leases;
    for (const auto& [token, progress] : progress_) {
      leases.push_back(progress.sent);
    }
    lock.unlock();
    HeartbeatAnswer answer;
    try {
      // Without the lock: the model asks revoked() at every step, and the call
      // may take as long as its deadline.
      answer = coordinator_.heartbeat(leases);
    } catch (const std::exception& problem) {
      // The work loop meets the same coordinator and decides; a missed beat
      // alone costs nothing but, at worst, the lease.
      spdlog::warn("no heartbeat: {}", problem.what());
    }
    lock.lock();
    if (answer.draining) draining_ = true;
    for (const LeaseToken& token : answer.revoked) {
      const auto found = progress_.find(token);
      if (found != progress_.end()) found->second.revoked = true;
    }
  }
}

}  // namespace lens::worker
