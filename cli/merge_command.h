#pragma once

#include <filesystem>
#include <ostream>

#include "cli/merge_run.h"

namespace lens::cli {

// `lens merge` and `lens verify`. Return the exit code; errors are thrown as
// merge_run() does.
int merge_command(const std::filesystem::path& run_directory,
                  MergeRequest request, std::ostream& out);

// A run directory (parts and results.h5) or a results file. Problems are
// printed one a line.
int verify_command(const std::filesystem::path& path, std::ostream& out);

}  // namespace lens::cli
