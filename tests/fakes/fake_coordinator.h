#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "worker/coordinator.h"

namespace lens::worker::fakes {

// Answers as it was told to, and remembers what it was asked. Thread-safe.
class FakeCoordinator final : public Coordinator {
 public:
  struct Failure {
    std::int32_t unit = 0;
    FailureClass failure_class{};
    std::string sample;
    std::string reason;
  };

  // Grants the units in this order, then says that there is no more work.
  void grant(std::int32_t unit, bool alone = false,
             std::vector<QuarantinedSample> quarantined = {}) {
    const std::lock_guard lock(mutex_);
    Lease lease;
    lease.token = {1, ++last_number_};
    lease.unit = unit;
    lease.alone = alone;
    lease.quarantined = std::move(quarantined);
    answers_.emplace_back(std::move(lease));
  }
  void answer(AcquireAnswer next) {
    const std::lock_guard lock(mutex_);
    answers_.push_back(std::move(next));
  }
  void revoke(std::int32_t unit) {
    const std::lock_guard lock(mutex_);
    revoked_.insert(unit);
  }
  void drain() {
    const std::lock_guard lock(mutex_);
    draining_ = true;
  }
  void commits_are_stale() {
    const std::lock_guard lock(mutex_);
    commit_answer_ = CommitAnswer::kStale;
  }
  void stays_away() {
    const std::lock_guard lock(mutex_);
    away_ = true;
  }
  void allow_standstill(std::chrono::milliseconds limit) {
    const std::lock_guard lock(mutex_);
    stall_limit_ = limit;
  }

  std::vector<std::int32_t> committed() const {
    const std::lock_guard lock(mutex_);
    return committed_;
  }
  std::vector<storage::PartReceipt> receipts() const {
    const std::lock_guard lock(mutex_);
    return receipts_;
  }
  std::vector<Failure> failures() const {
    const std::lock_guard lock(mutex_);
    return failures_;
  }
  // Waits until heartbeats have named the unit; false after ten seconds.
  bool heard_of(std::int32_t unit, std::int64_t samples_done = 0) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), [&] {
      for (const LeaseProgress& lease : last_beat_) {
        if (lease.unit == unit && lease.samples_done >= samples_done) {
          return true;
        }
      }
      return false;
    });
  }
  // Waits until heartbeats name the unit no more; false after ten seconds.
  bool forgot(std::int32_t unit) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), [&] {
      return std::ranges::none_of(last_beat_, [&](const LeaseProgress& lease) {
        return lease.unit == unit;
      });
    });
  }
  // Waits for so many more heartbeats; false after ten seconds. After two of
  // them what was answered to the first has been taken in.
  bool beats_again(int times) const {
    std::unique_lock lock(mutex_);
    const int before = beats_;
    return changed_.wait_for(lock, std::chrono::seconds(10),
                             [&] { return beats_ >= before + times; });
  }
  int beats() const {
    const std::lock_guard lock(mutex_);
    return beats_;
  }
  void beat_every(std::chrono::milliseconds interval) {
    const std::lock_guard lock(mutex_);
    heartbeat_interval_ = interval;
  }

  std::chrono::milliseconds heartbeat_interval() const override {
    const std::lock_guard lock(mutex_);
    return heartbeat_interval_;
  }
  std::optional<std::chrono::milliseconds> stall_limit() const override {
    const std::lock_guard lock(mutex_);
    return stall_limit_;
  }
  AcquireAnswer acquire() override {
    const std::lock_guard lock(mutex_);
    check_presence();
    if (answers_.empty()) return Leave{LeaveReason::kComplete};
    const AcquireAnswer next = answers_.front();
    answers_.pop_front();
    return next;
  }
  HeartbeatAnswer heartbeat(std::span<const LeaseProgress> leases) override {
    const std::lock_guard lock(mutex_);
    ++beats_;
    changed_.notify_all();
    check_presence();
    last_beat_.assign(leases.begin(), leases.end());
    HeartbeatAnswer answer;
    answer.draining = draining_;
    for (const LeaseProgress& lease : leases) {
      if (revoked_.contains(lease.unit)) answer.revoked.push_back(lease.token);
    }
    return answer;
  }
  CommitAnswer commit(const Lease& lease, const storage::PartReceipt& receipt,
                      std::int64_t, std::int64_t, std::int64_t) override {
    const std::lock_guard lock(mutex_);
    check_presence();
    receipts_.push_back(receipt);
    if (commit_answer_ == CommitAnswer::kCommitted) {
      committed_.push_back(lease.unit);
    }
    return commit_answer_;
  }
  void fail(const Lease& lease, FailureClass failure_class,
            const std::string& sample_id, const std::string& reason) override {
    const std::lock_guard lock(mutex_);
    failures_.push_back({lease.unit, failure_class, sample_id, reason});
  }

 private:
  void check_presence() const {
    if (away_) throw CoordinatorError("nobody answers");
  }

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  // All below guarded by mutex_.
  std::deque<AcquireAnswer> answers_;
  std::set<std::int32_t> revoked_;
  bool draining_ = false;
  bool away_ = false;
  CommitAnswer commit_answer_ = CommitAnswer::kCommitted;
  std::optional<std::chrono::milliseconds> stall_limit_;
  std::chrono::milliseconds heartbeat_interval_{5};
  std::uint64_t last_number_ = 0;
  std::vector<LeaseProgress> last_beat_;
  int beats_ = 0;
  std::vector<std::int32_t> committed_;
  std::vector<storage::PartReceipt> receipts_;
  std::vector<Failure> failures_;
};

}  // namespace lens::worker::fakes
