#pragma once

#include <filesystem>
#include <memory>
#include <ostream>

#include "cli/command.h"

namespace lens::cli {

struct DoctorOptions {
  std::filesystem::path model;          // empty: not looked at
  std::filesystem::path run_directory;  // empty: the current folder
};

// `lens doctor`: prints the findings; kExitError when one is a problem.
int doctor_command(const DoctorOptions& options, std::ostream& out);

std::unique_ptr<Command> make_doctor_command();

}  // namespace lens::cli
