#pragma once

#include <filesystem>
#include <memory>
#include <ostream>

#include "cli/command.h"

namespace lens::cli {

struct StatusOptions {
  bool json = false;   // one object on one line
  bool watch = false;  // again every second, until the run is at rest
};

// `lens status`. Returns the exit code. Errors as run_status().
int status_command(const std::filesystem::path& run_directory,
                   const StatusOptions& options, std::ostream& out);

std::unique_ptr<Command> make_status_command();

}  // namespace lens::cli
