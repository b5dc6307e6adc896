#include "input/file/hub_snapshot.h"

#include <string>
#include <system_error>
#include <vector>

#include "base/error.h"
#include "input/file/input_file.h"

namespace lens {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kRefBytes = 4096;

[[noreturn]] void cannot_choose(const fs::path& path, const std::string& why) {
  throw InputError("cannot choose a revision in " + path.string(), why,
                   "give the folder of one revision");
}

std::string main_revision(const fs::path& path) {
  const fs::path file = path / "refs" / "main";
  if (!has_file(file)) return "";
  std::string revision = read_whole(file, kRefBytes);
  revision.erase(revision.find_last_not_of(" \t\r\n") + 1);
  return revision;
}

std::vector<fs::path> folders_in(const fs::path& path) {
  std::vector<fs::path> folders;
  std::error_code error;
  fs::directory_iterator entry(path, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    std::error_code ignored;
    if (entry->is_directory(ignored)) folders.push_back(entry->path());
  }
  if (error) {
    throw InputError("cannot list " + path.string(), error.message(),
                     "check the folder and its rights");
  }
  return folders;
}

}  // namespace

fs::path hub_snapshot(const fs::path& path) {
  const fs::path snapshots = path / "snapshots";
  std::error_code error;
  if (!fs::is_directory(snapshots, error)) return path;
  const std::string revision = main_revision(path);
  // A revision is the name of a folder: one with a slash would lead out of
  // snapshots/.
  if (revision.find('/') == std::string::npos && !revision.empty()) {
    if (fs::is_directory(snapshots / revision, error)) {
      return snapshots / revision;
    }
    cannot_choose(path, "refs/main names " + revision.substr(0, 60) +
                            ", which is not in snapshots/");
  }
  const std::vector<fs::path> folders = folders_in(snapshots);
  // Downloaded by a commit's hash: there is no refs/main.
  if (folders.size() == 1) return folders.front();
  cannot_choose(path,
                std::to_string(folders.size()) + " folders in snapshots/");
}

}  // namespace lens
