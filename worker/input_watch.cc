#include "worker/input_watch.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>

#include "base/error.h"

namespace lens::worker {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

bool same_time(std::int64_t a, std::int64_t b) {
  // A file system, or a copy between two of them, may keep whole seconds alone.
  const bool coarse = a % kSecond == 0 || b % kSecond == 0;
  return a == b || (coarse && a / kSecond == b / kSecond);
}

[[noreturn]] void refuse(const storage::InputFile& file,
                         const std::string& why) {
  throw InputChanged(file.path + " changed since the run was planned", why,
                     "restore it, or start a new run directory");
}

}  // namespace

void require_unchanged(const storage::InputFile& file) {
  struct stat info {};
  if (::stat(file.path.c_str(), &info) != 0) refuse(file, std::strerror(errno));
  if (info.st_size != file.bytes) {
    refuse(file, std::to_string(file.bytes) + " bytes then, " +
                     std::to_string(info.st_size) + " now");
  }
  const std::int64_t modified_ns =
      std::int64_t{info.st_mtim.tv_sec} * kSecond + info.st_mtim.tv_nsec;
  if (!same_time(modified_ns, file.modified_ns)) {
    refuse(file, "it was written to or replaced");
  }
}

void require_unchanged(const std::vector<storage::InputFile>& files) {
  for (const storage::InputFile& file : files) require_unchanged(file);
}

}  // namespace lens::worker
