#include "base/process_id.h"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <system_error>

namespace lens {
namespace {

// Of /proc/PID/stat, by proc(5): clock ticks since the machine started.
constexpr int kStartTime = 22;

std::string find_space() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string boot;
  std::getline(file, boot);
  std::error_code error;
  const std::string name_space =
      std::filesystem::read_symlink("/proc/self/ns/pid", error).string();
  if (boot.empty() || error) return "";
  // Process numbers mean something within one boot and one namespace.
  return boot + "/" + name_space;
}

// Of /proc/PID/stat from field 3 on; "" where the process is not to be seen.
std::string stat_behind_name(int pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  std::getline(file, line);
  // The name in brackets may hold anything, brackets too.
  const std::size_t bracket = line.rfind(')');
  return bracket == std::string::npos ? "" : line.substr(bracket + 1);
}

// Has ended, and whoever started it has not asked how: it can take long, where
// that one has ended too.
bool is_zombie(int pid) {
  std::istringstream rest(stat_behind_name(pid));
  char state = 0;
  return rest >> state && state == 'Z';
}

// Of this process, as long as it lives.
const std::string& here() {
  static const std::string space = find_space();
  return space;
}

}  // namespace

std::optional<std::uint64_t> stat_field(int pid, int field) {
  std::istringstream rest(stat_behind_name(pid));
  std::string skipped;
  // What follows the name is field 3.
  for (int at = 3; at < field; ++at) rest >> skipped;
  std::uint64_t value = 0;
  if (!(rest >> value)) return std::nullopt;
  return value;
}

ProcessId ProcessId::self() {
  const int pid = static_cast<int>(::getpid());
  const auto start = stat_field(pid, kStartTime);
  if (!start) return {};
  return {.space = here(), .pid = pid, .start_time = *start};
}

bool has_ended(const ProcessId& process) {
  if (process.space.empty() || process.pid <= 0) return false;
  // Of another machine or container nothing is known.
  if (process.space != here()) return false;
  if (::kill(process.pid, 0) != 0 && errno == ESRCH) return true;
  // Its number may have been given out again.
  const auto start = stat_field(process.pid, kStartTime);
  return (start && *start != process.start_time) || is_zombie(process.pid);
}

std::string to_text(const ProcessId& process) {
  return std::to_string(process.pid) + " " +
         std::to_string(process.start_time) + " " + process.space;
}

ProcessId process_from_text(std::string_view text) {
  std::istringstream words{std::string(text)};
  ProcessId process;
  if (words >> process.pid >> process.start_time >> process.space) {
    return process;
  }
  return {};
}

}  // namespace lens
