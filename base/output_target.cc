#include "base/output_target.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>

#include "base/error.h"

namespace lens {
namespace {

namespace fs = std::filesystem;

constexpr int kMostLinks = 40;  // as the kernel's

fs::path folder_of(const fs::path& file) {
  const auto folder = file.parent_path();
  return folder.empty() ? fs::path(".") : folder;
}

[[noreturn]] void refuse(const fs::path& name, const std::string& why) {
  throw StorageError("cannot write " + name.string() + " (" + why +
                     "); give the name of a file");
}

// The number that a name like /proc/self/fd/1 stands for. Such a link leads to
// what is open, whatever its text says.
std::optional<int> descriptor_named(const fs::path& name) {
  std::error_code error;
  const std::string folder = fs::canonical(folder_of(name), error).string();
  const std::string own = "/proc/" + std::to_string(::getpid()) + "/fd";
  if (error || folder != own) return std::nullopt;
  const std::string text = name.filename().string();
  int number = -1;
  const auto [end, bad] =
      std::from_chars(text.data(), text.data() + text.size(), number);
  if (bad != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return number;
}

// Where the links of a name lead; the target need not exist.
struct Followed {
  fs::path path;
  std::optional<int> descriptor;
};

Followed follow(const fs::path& name) {
  fs::path at = name;
  for (int links = 0; links <= kMostLinks; ++links) {
    if (const auto descriptor = descriptor_named(at)) return {at, descriptor};
    std::error_code error;
    const fs::path link = fs::read_symlink(at, error);
    if (error) return {at, std::nullopt};
    at = folder_of(at) / link;  // an absolute link replaces the folder
  }
  refuse(name, std::strerror(ELOOP));
}

}  // namespace

fs::path output_target(const fs::path& name) {
  const Followed found = follow(name);
  if (found.descriptor) refuse(name, "it is no file");
  struct stat status;
  if (::stat(found.path.c_str(), &status) != 0) return found.path;
  if (S_ISDIR(status.st_mode)) refuse(name, "it is a folder");
  if (!S_ISREG(status.st_mode)) refuse(name, "it is no file");
  return found.path;
}

std::optional<int> open_if_not_a_file(const fs::path& name) {
  const Followed found = follow(name);
  int opened = -1;
  if (found.descriptor) {
    // A copy, which may be closed. 3: not one of the standard three, which may
    // be free.
    opened = ::fcntl(*found.descriptor, F_DUPFD_CLOEXEC, 3);
  } else {
    struct stat status;
    if (::stat(found.path.c_str(), &status) != 0 || S_ISREG(status.st_mode) ||
        S_ISDIR(status.st_mode)) {
      return std::nullopt;
    }
    // A device or a pipe. A terminal must not become this process's own.
    opened = ::open(found.path.c_str(), O_WRONLY | O_NOCTTY | O_CLOEXEC);
  }
  if (opened < 0) refuse(name, std::strerror(errno));
  return opened;
}

}  // namespace lens
