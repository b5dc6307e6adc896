#pragma once

#include <cstdint>
#include <filesystem>
#include <ostream>
#include <string>
#include <vector>

#include "cli/local_run.h"
#include "cli/machine.h"

namespace lens::cli {

struct DoctorOptions {
  std::filesystem::path model;          // empty: not looked at
  std::filesystem::path run_directory;  // empty: the current folder
};

// One thing looked at. A problem stops runs; a note does not.
struct Finding {
  enum class Level { kGood, kNote, kProblem };
  Level level = Level::kGood;
  std::string subject;  // "processor", "disk", ...
  std::string text;     // what was found; for the others, what to do
};

// Each looks at one thing; values in, so that tests can ask about any machine.
Finding check_processor(const Machine& machine);
Finding check_memory(const Machine& machine);
std::vector<Finding> check_gpus(const Machine& machine);
// `weight_values` numbers of the checkpoint against the memory there is.
Finding check_model_memory(const Machine& machine, std::int64_t weight_values,
                           const std::string& checkpoint_dtype);
std::vector<Finding> check_programs(const RunTools& tools);
// Starts two empty processes by mpirun.
Finding check_mpi(const RunTools& tools,
                  const std::filesystem::path& scratch_folder);
// Free space, and the time of one write with fsync.
Finding check_disk(const std::filesystem::path& folder);
Finding check_libraries();

// `lens doctor`: prints the findings; kExitError when one is a problem.
int doctor_command(const DoctorOptions& options, std::ostream& out);

}  // namespace lens::cli
