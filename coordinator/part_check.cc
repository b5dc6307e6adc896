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

// What the errors say of the machine says nothing of the part.
absl::Status cannot_look(int error) {
  switch (error) {
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EIO:
      return absl::UnavailableError(std::strerror(error));
    default:
      return absl::DataLossError(std::strerror(error));
  }
}

// Opens the file instead of asking for its attributes: on NFS an open asks the
// server, a stat may be answered from the host's memory.
absl::Status look_at(const std::filesystem::path& file, std::int64_t bytes) {
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return cannot_look(errno);
  struct stat info;
  const int error = ::fstat(descriptor, &info) == 0 ? 0 : errno;
  ::close(descriptor);
  if (error != 0) return cannot_look(error);
  if (!S_ISREG(info.st_mode)) return absl::DataLossError("it is not a file");
  if (info.st_size == bytes) return absl::OkStatus();
  return absl::DataLossError("it has " + std::to_string(info.st_size) +
                             " bytes, not " + std::to_string(bytes));
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
    const absl::Status seen = look_at(file, bytes);
    if (seen.ok()) return seen;
    if (std::chrono::steady_clock::now() + pause > deadline) {
      return {seen.code(), "the coordinator cannot see " + file.string() +
                               " (" + std::string(seen.message()) + ")"};
    }
    std::this_thread::sleep_for(pause);
    pause = std::min(2 * pause, std::chrono::milliseconds(500));
  }
}

}  // namespace lens::coordinator
