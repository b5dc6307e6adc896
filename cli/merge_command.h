#pragma once

#include <filesystem>
#include <memory>
#include <ostream>

#include "cli/command.h"
#include "cli/merge_run.h"

namespace lens::cli {

// `lens merge`. Returns the exit code; errors are thrown as merge_run() does.
int merge_command(const std::filesystem::path& run_directory,
                  MergeRequest request, std::ostream& out);

std::unique_ptr<Command> make_merge_command();

}  // namespace lens::cli
