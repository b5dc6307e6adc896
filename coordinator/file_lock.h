#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>

namespace lens::coordinator {

// Who holds a lock on a file, as far as this host can see.
struct LockHolder {
  pid_t pid = 0;     // 0: not seen here, for example on another host
  std::string name;  // of the program; empty with pid 0

  // "python3 (pid 12)", or "a program on another host".
  std::string text() const;
};

// The first holder by /proc/locks, flock and fcntl alike, other than this
// process. Opens nothing: closing a descriptor would drop the locks that this
// process has by fcntl. Nothing where no holder is seen.
std::optional<LockHolder> lock_holder(const std::filesystem::path& file);

// An flock on a file that exists for nothing else. The file is 0600: who may
// only read the folder cannot lock it. The lock goes when the process does,
// however it ends; the file stays.
class FileLock {
 public:
  // Nothing when another has it, be it shared. Where the file system knows no
  // locks, or the file cannot be written, it is granted unchecked. A file that
  // was removed meanwhile is made anew: who has the lock has it by its name.
  // `owner` is written into the file, for hosts that cannot see our process.
  static std::optional<FileLock> take(const std::filesystem::path& file,
                                      const std::string& owner);
  // Whether some process has it now; takes nothing and makes no file. A shared
  // lock, which is none of ours, does not count.
  static bool held(const std::filesystem::path& file);
  // What the one who has it wrote into it, "" where nothing can be read.
  static std::string owner(const std::filesystem::path& file);

  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&&) = delete;
  ~FileLock();

 private:
  explicit FileLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;  // -1: granted unchecked
};

// "lens run, pid 12 on node7": what to write into a lock.
std::string lock_owner(const std::string& program);

}  // namespace lens::coordinator
