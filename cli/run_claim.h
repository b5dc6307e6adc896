#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cli/run_lock.h"
#include "storage/run_directory.h"

namespace lens::cli {

// A run directory from before it is planned until the command ends: made where
// it is not there and locked, so that two commands never plan two runs into it.
// Where no plan came of it, what was made is removed again.
class RunClaim {
 public:
  // `action` is for the message: "run", "plan". Throws lens::InputError: the
  // folder cannot be made, or another process has it.
  RunClaim(storage::RunDirectory run, const std::string& action);
  ~RunClaim();
  RunClaim(const RunClaim&) = delete;
  RunClaim& operator=(const RunClaim&) = delete;

 private:
  void make_folders();

  const storage::RunDirectory run_;
  std::vector<std::filesystem::path> made_;  // the outermost first
  std::optional<RunLock> lock_;
};

}  // namespace lens::cli
