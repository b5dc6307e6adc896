#include "input/file/input_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <system_error>

#include "base/error.h"

namespace lens {
namespace {

namespace fs = std::filesystem;

constexpr const char* kCheckRights = "check the file and its rights";

[[noreturn]] void refuse(const fs::path& path, const std::string& why,
                         const std::string& remedy) {
  throw InputError("cannot read " + path.string(), why, remedy);
}

// A link that leads nowhere, said with where it points.
[[noreturn]] void refuse_link(const fs::path& path, int error) {
  std::error_code ignored;
  const std::string target = fs::read_symlink(path, ignored).string();
  refuse(path,
         error == ELOOP ? "a link that leads to itself: " + target
                        : "a link into nothing: " + target + " is not there",
         "download it again, or copy it with what its links point to");
}

}  // namespace

bool has_file(const fs::path& path) {
  struct stat info {};
  // lstat() first: a link into nothing is not a file that is not there, but
  // half a download.
  if (::lstat(path.c_str(), &info) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return false;
    refuse(path, std::strerror(errno), kCheckRights);
  }
  const bool link = S_ISLNK(info.st_mode);
  if (link && ::stat(path.c_str(), &info) != 0) {
    if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP) {
      refuse_link(path, errno);
    }
    refuse(path, std::strerror(errno), kCheckRights);
  }
  if (S_ISDIR(info.st_mode)) {
    refuse(path, "a folder, where a file is expected", "remove or rename it");
  }
  // Reading a pipe or a device may never end.
  if (!S_ISREG(info.st_mode)) {
    refuse(path, "not a regular file", "put the file itself there");
  }
  if (::faccessat(AT_FDCWD, path.c_str(), R_OK, AT_EACCESS) != 0) {
    refuse(path, std::strerror(errno), kCheckRights);
  }
  return true;
}

std::string read_whole(const fs::path& path, std::uintmax_t limit) {
  if (!has_file(path)) {
    throw InputError("cannot open " + path.string(), "no such file",
                     "give the folder of a complete checkpoint");
  }
  std::error_code error;
  const std::uintmax_t size = fs::file_size(path, error);
  if (error) refuse(path, error.message(), kCheckRights);
  if (size > limit) {
    refuse(path,
           "it has " + std::to_string(size) +
               " bytes, such a file has less than " + std::to_string(limit),
           "check the checkpoint folder");
  }
  std::ifstream stream(path, std::ios::binary);
  std::string content((std::istreambuf_iterator<char>(stream)),
                      std::istreambuf_iterator<char>());
  if (!stream.good() && !stream.eof()) {
    refuse(path, "input error", "check the disk");
  }
  return content;
}

}  // namespace lens
