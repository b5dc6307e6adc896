#include "coordinator/part_check.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <thread>

namespace lens::coordinator {
namespace {

// Opens the file instead of asking for its attributes: on NFS an open asks the
// server, a stat may be answered from the host's memory.
std::string problem_with(const std::filesystem::path& file,
                         std::int64_t bytes) {
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return std::strerror(errno);
  struct stat info;
  const bool known = ::fstat(descriptor, &info) == 0;
  ::close(descriptor);
  if (!known || !S_ISREG(info.st_mode)) return "it is not a file";
  if (info.st_size == bytes) return "";
  return "it has " + std::to_string(info.st_size) + " bytes, not " +
         std::to_string(bytes);
}

}  // namespace

absl::Status check_part_name(const std::string& file_name,
                             const std::string& dataset) {
  const std::filesystem::path path(file_name);
  auto component = path.begin();
  const bool fits = std::distance(path.begin(), path.end()) == 3 &&
                    *component++ == "parts" && *component++ == dataset &&
                    *component != ".." && component->extension() == ".h5";
  if (fits) return absl::OkStatus();
  return absl::InvalidArgumentError("the part is not in parts/" + dataset +
                                    " of the run directory");
}

absl::Status check_part_file(const std::filesystem::path& file,
                             std::int64_t bytes,
                             std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  std::chrono::milliseconds pause(20);
  while (true) {
    const std::string problem = problem_with(file, bytes);
    if (problem.empty()) return absl::OkStatus();
    if (std::chrono::steady_clock::now() + pause > deadline) {
      return absl::DataLossError("the coordinator cannot see " + file.string() +
                                 " (" + problem + ")");
    }
    std::this_thread::sleep_for(pause);
    pause = std::min(2 * pause, std::chrono::milliseconds(500));
  }
}

}  // namespace lens::coordinator
