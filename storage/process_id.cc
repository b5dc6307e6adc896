#include "storage/process_id.h"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <system_error>

namespace lens::storage {
namespace {

// Field 22 of /proc/PID/stat; nothing where the process is not to be seen.
std::optional<std::uint64_t> start_time_of(int pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  // The name in brackets may hold anything, brackets too.
  const std::size_t bracket = line.rfind(')');
  if (bracket == std::string::npos) return std::nullopt;
  std::istringstream rest(line.substr(bracket + 1));
  std::string skipped;
  for (int field = 3; field < 22; ++field) rest >> skipped;
  std::uint64_t start = 0;
  if (!(rest >> start)) return std::nullopt;
  return start;
}

std::string present_space() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string boot;
  std::getline(file, boot);
  std::error_code error;
  const std::string name_space =
      std::filesystem::read_symlink("/proc/self/ns/pid", error).string();
  if (boot.empty() || error) return "";
  return boot + "/" + name_space;
}

}  // namespace

ProcessId ProcessId::self() {
  const int pid = static_cast<int>(::getpid());
  const auto start = start_time_of(pid);
  if (!start) return {};
  return {.space = present_space(), .pid = pid, .start_time = *start};
}

bool has_ended(const ProcessId& process) {
  if (process.space.empty() || process.pid <= 0) return false;
  static const std::string here = present_space();
  if (process.space != here) return false;
  if (::kill(process.pid, 0) != 0 && errno == ESRCH) return true;
  // Its number may have been given out again.
  const auto start = start_time_of(process.pid);
  return start && *start != process.start_time;
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

}  // namespace lens::storage
