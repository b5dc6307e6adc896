#pragma once

#include <filesystem>
#include <memory>
#include <ostream>

#include "cli/command.h"

namespace lens::cli {

// `lens verify`. Returns the exit code.
//
// A run directory (parts and results.h5) or a results file. Problems are
// printed one a line.
int verify_command(const std::filesystem::path& path, std::ostream& out);

std::unique_ptr<Command> make_verify_command();

}  // namespace lens::cli
