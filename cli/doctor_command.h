#pragma once

#include <filesystem>
#include <memory>
#include <ostream>
#include <vector>

#include "cli/command.h"
#include "cli/machine.h"

namespace lens::cli {

struct DoctorOptions {
  std::filesystem::path model;          // empty: not looked at
  std::filesystem::path run_directory;  // empty: the current folder
  // To ask which models fit them; empty: this machine's.
  std::vector<GpuInfo> gpus;
};

// `lens doctor`: prints the findings; kExitError when one is a problem.
int doctor_command(const DoctorOptions& options, std::ostream& out);

std::unique_ptr<Command> make_doctor_command();

}  // namespace lens::cli
