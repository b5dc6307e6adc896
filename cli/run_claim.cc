#include "cli/run_claim.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <system_error>
#include <thread>

#include "base/error.h"

namespace lens::cli {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr auto kStrangerPatience = 5s;

}  // namespace

RunClaim::RunClaim(storage::RunDirectory run, const std::string& action)
    : run_(std::move(run)) {
  std::error_code ignored;
  do {
    make_folders();
    lock_.reset();
    auto lock = RunLock::acquire(run_, Activity::kRunning, kStrangerPatience,
                                 [] { std::this_thread::sleep_for(50ms); });
    if (lock) lock_.emplace(*std::move(lock));
    // Whoever had claimed it before may have removed it meanwhile.
  } while (!fs::is_directory(run_.root(), ignored));
  if (lock_) return;
  const bool ours = RunLock::held_by_lens(run_, Activity::kRunning);
  throw InputError("cannot " + action + " " + run_.root().string(),
                   RunLock::holder(run_, Activity::kRunning),
                   ours ? "`lens status " + run_.root().string() + "` shows it"
                        : "end that program, or wait for it");
}

RunClaim::~RunClaim() {
  std::error_code error;
  if (!lock_ || fs::exists(run_.manifest(), error) || error) return;
  // While we hold it: whoever waits for the lock looks its name up again, and
  // finds that it is gone.
  unlink(RunLock::file(run_, Activity::kRunning).c_str());
  // Those that somebody has put something into stay.
  for (auto folder = made_.rbegin(); folder != made_.rend(); ++folder)
    rmdir(folder->c_str());
}

void RunClaim::make_folders() {
  std::error_code ignored;
  std::vector<fs::path> missing;
  for (fs::path folder = run_.root();
       folder.has_relative_path() && !fs::is_directory(folder, ignored);
       folder = folder.parent_path())
    missing.push_back(folder);
  std::reverse(missing.begin(), missing.end());
  for (const fs::path& folder : missing) {
    if (mkdir(folder.c_str(), 0777) == 0) {
      made_.push_back(folder);
      continue;
    }
    const int error = errno;
    if (error == EEXIST && fs::is_directory(folder, ignored)) continue;
    throw InputError("cannot make the folder " + run_.root().string(),
                     std::strerror(error == EEXIST ? ENOTDIR : error),
                     "choose another --out");
  }
}

}  // namespace lens::cli
