#include "cli/run_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace lens::cli {
namespace {

std::filesystem::path lock_file(const storage::RunDirectory& run,
                                Activity activity) {
  return run.root() /
         (activity == Activity::kRunning ? ".run.lock" : ".merge.lock");
}

}  // namespace

std::optional<RunLock> RunLock::acquire(const storage::RunDirectory& run,
                                        Activity activity) {
  const int descriptor = open(lock_file(run, activity).c_str(),
                              O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor < 0) return RunLock(-1);
  if (flock(descriptor, LOCK_EX | LOCK_NB) == 0) return RunLock(descriptor);
  const bool taken = errno == EWOULDBLOCK;
  close(descriptor);
  if (taken) return std::nullopt;
  return RunLock(-1);
}

bool RunLock::held(const storage::RunDirectory& run, Activity activity) {
  const int descriptor =
      open(lock_file(run, activity).c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return false;
  // A shared lock: two askers do not take each other for a holder.
  const bool taken =
      flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  close(descriptor);
  return taken;
}

RunLock::RunLock(RunLock&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)) {}

RunLock::~RunLock() {
  if (descriptor_ >= 0) close(descriptor_);
}

}  // namespace lens::cli
