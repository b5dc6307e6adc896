#include "storage/leftovers.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <set>
#include <string>

#include "storage/part_name.h"

namespace lens::storage {
namespace {

namespace fs = std::filesystem;

constexpr const char* kTemporary = ".tmp";

// Entries of a folder; none where it is not there. No entry of a folder that
// changes meanwhile makes this throw.
std::vector<fs::path> entries(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error);
       !error && entry != fs::directory_iterator(); entry.increment(error)) {
    found.push_back(entry->path());
  }
  return found;
}

// Removes a temporary file unless its writer, who holds a lock on it for as
// long as it lives, does. The name may have gone to a new file between open and
// lock.
bool remove_unwritten(const fs::path& temporary) {
  const int descriptor =
      // No link is followed, and no pipe waited for: whatever has the name is
      // opened, and only a plain file goes.
      ::open(temporary.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0) return false;
  struct stat mine;
  struct stat named;
  const bool free = ::flock(descriptor, LOCK_EX | LOCK_NB) == 0 &&
                    ::fstat(descriptor, &mine) == 0 && S_ISREG(mine.st_mode) &&
                    ::lstat(temporary.c_str(), &named) == 0 &&
                    mine.st_ino == named.st_ino && mine.st_dev == named.st_dev;
  // Removed while the lock is held: a writer that waits for the name looks it
  // up again.
  const bool removed = free && ::unlink(temporary.c_str()) == 0;
  ::close(descriptor);
  return removed;
}

class Collector {
 public:
  void temporary(const fs::path& file) {
    const std::int64_t bytes = size(file);
    if (remove_unwritten(file)) count(bytes);
  }

  void part(const fs::path& file) {
    const std::int64_t bytes = size(file);
    std::error_code error;
    if (fs::remove(file, error)) count(bytes);
  }

  const Leftovers& found() const { return found_; }

 private:
  static std::int64_t size(const fs::path& file) {
    std::error_code error;
    const auto bytes = fs::file_size(file, error);
    return error ? 0 : static_cast<std::int64_t>(bytes);
  }

  void count(std::int64_t bytes) {
    ++found_.files;
    found_.bytes += bytes;
  }

  Leftovers found_;
};

}  // namespace

Leftovers collect_leftovers(const RunDirectory& run,
                            const std::vector<CommittedPart>& committed) {
  Collector collector;
  const fs::path partial = run.root() / "results.partial.h5";
  for (const fs::path& file :
       {run.manifest(), run.vocabulary(), run.results(), partial}) {
    collector.temporary(file.string() + kTemporary);
  }
  std::set<fs::path> named;
  for (const CommittedPart& part : committed) {
    named.insert((run.root() / part.receipt.file_name).lexically_normal());
  }
  for (const fs::path& folder : entries(run.parts())) {
    for (const fs::path& file : entries(folder)) {
      if (file.extension() == kTemporary) {
        collector.temporary(file);
      } else if (part_name(run, folder.filename().string(), file) &&
                 !named.contains(file.lexically_normal())) {
        collector.part(file);
      }
    }
  }
  return collector.found();
}

}  // namespace lens::storage
