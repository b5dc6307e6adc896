#pragma once

#include <cstdint>
#include <filesystem>
#include <ostream>
#include <string>
#include <vector>

#include "cli/machine.h"
#include "cli/worker_launch.h"
#include "model/description.h"

namespace lens::cli {

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
// What families have published against the memory that is free, by dtype and,
// on GPUs, by how many of them share a model.
std::vector<Finding> check_official_models(const Machine& machine);
Finding check_official_model(const Machine& machine,
                             const model::PublishedModel& model);
// A checkpoint folder: can it be used, does it fit.
std::vector<Finding> check_model(const Machine& machine,
                                 const std::filesystem::path& folder);
// The weights of a checkpoint against the memory there is.
Finding check_model_memory(const Machine& machine,
                           const std::vector<model::Spread>& spreads,
                           const std::string& checkpoint_dtype);
std::vector<Finding> check_programs(
    const RunTools& tools, const std::filesystem::path& scratch_folder);
// Where several workers can have their files; starts two empty processes by
// mpirun.
Finding check_mpi(const RunTools& tools,
                  const std::filesystem::path& scratch_folder);
// What the programs of a run talk to each other over.
Finding check_network();
// Free space, and the time of one write with fsync.
Finding check_disk(const std::filesystem::path& folder);
// What ranks on one machine exchange data through; containers have little.
Finding check_shared_memory(const std::filesystem::path& folder);
// The CUDA half of libtorch, which the worker opens beside the CPU half.
Finding check_cuda_libraries(const RunTools& tools,
                             const std::filesystem::path& scratch_folder);
Finding check_libraries();

// From what ldd prints: where `library` was found, "" if it was not; and the
// names of all that were not found.
std::filesystem::path ldd_place(const std::string& text,
                                const std::string& library);
std::vector<std::string> ldd_missing(const std::string& text);

}  // namespace lens::cli
