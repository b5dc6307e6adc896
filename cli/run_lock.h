#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "storage/run_directory.h"

namespace lens::cli {

// What a process of ours is doing in a run directory; each is done by one
// process at a time. The lock goes when the process does, however it ends.
enum class Activity { kRunning, kMerging };

class RunLock {
 public:
  // Nothing when another process holds it. Where the file system knows no
  // locks, or the directory cannot be written, the lock is granted unchecked.
  static std::optional<RunLock> acquire(const storage::RunDirectory& run,
                                        Activity activity);
  // Whether some process holds it now; takes nothing and makes no file.
  static bool held(const storage::RunDirectory& run, Activity activity);

  RunLock(RunLock&& other) noexcept;
  RunLock& operator=(RunLock&&) = delete;
  ~RunLock();

 private:
  explicit RunLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;  // -1: granted unchecked
};

}  // namespace lens::cli
