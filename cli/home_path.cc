#include "cli/home_path.h"

#include <pwd.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "base/error.h"

namespace lens::cli {
namespace {

std::string home_folder() {
  if (const char* home = std::getenv("HOME"); home && *home) return home;
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 16384> text{};
  if (getpwuid_r(getuid(), &entry, text.data(), text.size(), &found) == 0 &&
      found && found->pw_dir && *found->pw_dir)
    return found->pw_dir;
  throw InputError("cannot tell what ~ is",
                   "HOME is not set and the user has no home folder",
                   "give the whole path");
}

}  // namespace

std::string expand_home(const std::string& path) {
  if (path != "~" && !path.starts_with("~/")) return path;
  return home_folder() + path.substr(1);
}

}  // namespace lens::cli
