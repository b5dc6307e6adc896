#include "cli/run_lock.h"

#include <utility>

namespace lens::cli {

using coordinator::FileLock;

std::filesystem::path RunLock::file(const storage::RunDirectory& run,
                                    Activity activity) {
  return activity == Activity::kRunning ? run.run_lock() : run.merge_lock();
}

std::optional<RunLock> RunLock::acquire(const storage::RunDirectory& run,
                                        Activity activity) {
  auto lock =
      FileLock::take(file(run, activity), coordinator::lock_owner("lens"));
  if (!lock) return std::nullopt;
  return RunLock(*std::move(lock));
}

std::optional<RunLock> RunLock::acquire(const storage::RunDirectory& run,
                                        Activity activity,
                                        std::chrono::milliseconds patience,
                                        const std::function<void()>& pause) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point deadline = Clock::now() + patience;
  for (;;) {
    if (auto lock = acquire(run, activity)) return lock;
    if (held_by_lens(run, activity) || Clock::now() >= deadline)
      return std::nullopt;
    pause();
  }
}

bool RunLock::held(const storage::RunDirectory& run, Activity activity) {
  return FileLock::held(file(run, activity));
}

bool RunLock::held_by_lens(const storage::RunDirectory& run,
                           Activity activity) {
  if (!held(run, activity)) return false;
  const auto holder = coordinator::lock_holder(file(run, activity));
  // Out of sight: who has it to write has it for what the file is for.
  return !holder || holder->pid == 0 || holder->name == "lens";
}

std::string RunLock::holder(const storage::RunDirectory& run,
                            Activity activity) {
  const std::filesystem::path lock = file(run, activity);
  const auto seen = coordinator::lock_holder(lock);
  if (seen && seen->pid > 0 && seen->name != "lens")
    return seen->text() + " holds a lock on " + lock.string();
  std::string who = FileLock::owner(lock);
  if (seen && seen->pid > 0) who = seen->text();
  const std::string what = activity == Activity::kRunning
                               ? "another `lens run` is at work there"
                               : "another process is merging it";
  return who.empty() ? what : what + ": " + who;
}

}  // namespace lens::cli
