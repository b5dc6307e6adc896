#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

namespace lens::proto {

// Tells a person what a client waits for: soon, then now and then, and when the
// waiting is over. Thread-safe.
class Waiting {
 public:
  using Log = std::function<void(const std::string&)>;
  using Clock = std::chrono::steady_clock;

  // `log` may be empty: then nothing is told.
  explicit Waiting(Log log, std::function<Clock::time_point()> now = Clock::now)
      : log_(std::move(log)), now_(std::move(now)) {}

  // A try has failed: `where` is who was asked, `why` what came of it.
  void failed(const std::string& where, const std::string& why);
  // A try has been answered.
  void answered();

 private:
  const Log log_;
  const std::function<Clock::time_point()> now_;
  std::mutex mutex_;
  std::optional<Clock::time_point> since_;  // guarded by mutex_
  std::optional<Clock::time_point> told_;   // guarded by mutex_
  bool told_of_this_ = false;               // guarded by mutex_
};

}  // namespace lens::proto
