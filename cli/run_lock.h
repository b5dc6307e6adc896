#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "coordinator/file_lock.h"
#include "storage/run_directory.h"

namespace lens::cli {

// What a process of ours is doing in a run directory; each is done by one
// process at a time. kRunning: planning too, since that decides what the run
// is. The lock goes when the process does, however it ends.
enum class Activity { kRunning, kMerging };

class RunLock {
 public:
  // Nothing when another process holds it. Where the file system knows no
  // locks, or the directory cannot be written, the lock is granted unchecked.
  static std::optional<RunLock> acquire(const storage::RunDirectory& run,
                                        Activity activity);
  // The same; a program that is not Lens, such as a copy or a backup, is waited
  // for up to `patience`. `pause` sleeps a moment and may throw.
  static std::optional<RunLock> acquire(const storage::RunDirectory& run,
                                        Activity activity,
                                        std::chrono::milliseconds patience,
                                        const std::function<void()>& pause);

  // Whether some process holds it now; takes nothing and makes no file.
  static bool held(const storage::RunDirectory& run, Activity activity);
  // Whether that is a process of Lens, as far as it can be seen.
  static bool held_by_lens(const storage::RunDirectory& run, Activity activity);
  // Who holds it, for a message: "another `lens run` is at work there (lens,
  // pid 12 on node7)", "rsync (pid 12) holds a lock on .../.run.lock".
  static std::string holder(const storage::RunDirectory& run,
                            Activity activity);
  static std::filesystem::path file(const storage::RunDirectory& run,
                                    Activity activity);

 private:
  explicit RunLock(coordinator::FileLock lock) : lock_(std::move(lock)) {}
  coordinator::FileLock lock_;
};

}  // namespace lens::cli
