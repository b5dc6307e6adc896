#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>

#include "absl/status/status.h"

namespace lens::coordinator {

// How to meet a lock that another program has on the ledger: a shell that reads
// it, a copy for a backup.
struct LockWait {
  std::chrono::milliseconds patience{20'000};
  // One line, once it takes longer than a moment.
  std::function<void(const std::string&)> note = [](const std::string&) {};
};

// Held by the coordinator of a run for its whole life.
std::filesystem::path coordinator_lock(const std::filesystem::path& ledger);

// ABORTED, with the name of the program where it can be seen.
absl::Status foreign_lock(const std::filesystem::path& ledger);

// "sqlite3 (pid 12)", "another program".
std::string foreign_holder(const std::filesystem::path& ledger);

// Calls `attempt`, which gives a StatusOr, until it is no longer UNAVAILABLE or
// the patience is over; `undo` after each that was.
template <typename Attempt, typename Undo>
auto while_locked(const std::filesystem::path& ledger, const LockWait& wait,
                  Attempt attempt, Undo undo) -> decltype(attempt()) {
  using Steady = std::chrono::steady_clock;
  constexpr auto kPause = std::chrono::milliseconds(50);
  constexpr auto kMoment = std::chrono::seconds(1);
  const auto begin = Steady::now();
  bool told = false;
  for (;;) {
    auto answer = attempt();
    if (!absl::IsUnavailable(answer.status())) return answer;
    undo();
    const auto waited = Steady::now() - begin;
    if (waited >= wait.patience) return answer;
    if (!told && waited > kMoment) {
      told = true;
      wait.note("waiting for " + foreign_holder(ledger) + " to let go of " +
                ledger.string());
    }
    std::this_thread::sleep_for(kPause);
  }
}

}  // namespace lens::coordinator
