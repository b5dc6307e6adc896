#include "coordinator/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <utility>

namespace lens::coordinator {
namespace {

namespace fs = std::filesystem;

std::string program_name(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/comm");
  std::string name;
  std::getline(file, name);
  return name.empty() ? "a process" : name;
}

// A line of /proc/locks: "1: FLOCK  ADVISORY  WRITE 708 08:01:4711 0 EOF". One
// that waits has "->" behind the number.
struct LockLine {
  bool writes = false;
  pid_t pid = 0;
};

std::optional<LockLine> parse_line(const std::string& line,
                                   const struct stat& file) {
  char kind[16] = "", manner[16] = "", access[16] = "";
  int pid = 0;
  unsigned major_number = 0, minor_number = 0;
  unsigned long inode = 0;
  if (std::sscanf(line.c_str(), "%*d: %15s %15s %15s %d %x:%x:%lu", kind,
                  manner, access, &pid, &major_number, &minor_number,
                  &inode) != 7)
    return std::nullopt;
  if (inode != file.st_ino || major_number != major(file.st_dev) ||
      minor_number != minor(file.st_dev))
    return std::nullopt;
  return LockLine{.writes = std::string(access) == "WRITE", .pid = pid};
}

template <typename Wanted>
std::optional<LockLine> find_lock(const fs::path& file, Wanted wanted) {
  struct stat info;
  if (::stat(file.c_str(), &info) != 0) return std::nullopt;
  std::ifstream locks("/proc/locks");
  for (std::string line; std::getline(locks, line);) {
    const auto found = parse_line(line, info);
    if (found && wanted(*found)) return found;
  }
  return std::nullopt;
}

bool is_named(int descriptor, const fs::path& file) {
  struct stat mine;
  struct stat named;
  return ::fstat(descriptor, &mine) == 0 && ::stat(file.c_str(), &named) == 0 &&
         mine.st_ino == named.st_ino && mine.st_dev == named.st_dev;
}

void write_owner(int descriptor, const std::string& owner) {
  // Only told to people: no harm where it cannot be written.
  if (::ftruncate(descriptor, 0) != 0) return;
  const std::string line = owner + "\n";
  [[maybe_unused]] const ssize_t written =
      ::pwrite(descriptor, line.data(), line.size(), 0);
}

}  // namespace

std::string LockHolder::text() const {
  if (pid <= 0) return "a program on another host";
  return name + " (pid " + std::to_string(pid) + ")";
}

std::optional<LockHolder> lock_holder(const fs::path& file) {
  const auto found = find_lock(
      file, [](const LockLine& line) { return line.pid != ::getpid(); });
  if (!found) return std::nullopt;
  // 0 or below: in another PID name space, or nobody's (an open file
  // description).
  if (found->pid <= 0) return LockHolder{};
  return LockHolder{.pid = found->pid, .name = program_name(found->pid)};
}

std::optional<FileLock> FileLock::take(const fs::path& file,
                                       const std::string& owner) {
  for (;;) {
    const int descriptor =
        ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor < 0) {
      // Another user's: they may have it, and nothing here can tell them apart
      // but the system's list.
      if (errno == EACCES && held(file)) return std::nullopt;
      return FileLock(-1);
    }
    // Older files were open to all.
    ::fchmod(descriptor, 0600);
    if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) {
      if (!is_named(descriptor, file)) {
        ::close(descriptor);
        continue;
      }
      write_owner(descriptor, owner);
      return FileLock(descriptor);
    }
    const bool taken = errno == EWOULDBLOCK;
    ::close(descriptor);
    if (taken) return std::nullopt;
    return FileLock(-1);
  }
}

bool FileLock::held(const fs::path& file) {
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    return errno == EACCES && find_lock(file, [](const LockLine& line) {
                                return line.writes;
                              }).has_value();
  // A shared lock: two askers do not take each other for a holder.
  const bool taken =
      ::flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  ::close(descriptor);
  return taken;
}

std::string FileLock::owner(const fs::path& file) {
  std::ifstream stream(file);
  std::string line;
  std::getline(stream, line);
  return line;
}

FileLock::FileLock(FileLock&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)) {}

FileLock::~FileLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::string lock_owner(const std::string& program) {
  char host[256] = "";
  ::gethostname(host, sizeof(host) - 1);
  return program + ", pid " + std::to_string(::getpid()) + " on " + host;
}

}  // namespace lens::coordinator
