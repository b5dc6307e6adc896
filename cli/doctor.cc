#include "cli/doctor.h"

#include <fmt/format.h>
#include <unistd.h>

#include "base/exit_code.h"
#include "cli/version.h"

namespace lens::cli {
namespace {

namespace fs = std::filesystem;
using Level = Finding::Level;

constexpr int kCuda13 = 13000;  // what the worker's CUDA half is built for

double gigabytes(std::int64_t bytes) {
  return static_cast<double>(bytes) * 1e-9;
}

const char* mark(Level level) {
  switch (level) {
    case Level::kGood:
      return "ok     ";
    case Level::kNote:
      return "note   ";
    case Level::kProblem:
      return "PROBLEM";
  }
  return "";
}

// For the output of what is tried: the first of these that can be written.
fs::path scratch_folder(const fs::path& run_directory) {
  for (const fs::path& folder : {session_folder().path, fs::path("/tmp"),
                                 fs::path("/dev/shm"), run_directory})
    if (access(folder.c_str(), W_OK | X_OK) == 0) return folder;
  return ".";
}

}  // namespace

Finding check_processor(const Machine& machine) {
  const CpuInfo& cpu = machine.cpu;
  std::string features;
  for (const auto& [name, present] : {std::pair{"avx2", cpu.avx2},
                                      {"avx512f", cpu.avx512f},
                                      {"avx512_bf16", cpu.avx512_bf16},
                                      {"amx_bf16", cpu.amx_bf16}})
    if (present) features += std::string(" ") + name;
  return {Level::kGood, "processor",
          fmt::format(
              "{}, {} usable core{}, {} on CPUs ({})", cpu.model_name,
              machine.cores, machine.cores == 1 ? "" : "s",
              cpu.fast_bfloat16() ? "bfloat16 is quick" : "float32 is used",
              features.empty() ? "no vector features" : features.substr(1))};
}

Finding check_memory(const Machine& machine) {
  return {Level::kGood, "memory",
          fmt::format("{:.1f} GB, {:.1f} GB of it free",
                      gigabytes(machine.memory_bytes),
                      gigabytes(machine.available_bytes))};
}

std::vector<Finding> check_gpus(const Machine& machine) {
  if (!machine.gpu.usable())
    return {{Level::kNote, "GPU", machine.gpu.problem + "; runs use the CPU"}};
  std::vector<Finding> findings;
  for (const GpuInfo& gpu : machine.gpu.gpus)
    findings.push_back(
        {Level::kGood, "GPU",
         fmt::format("{}, {:.1f} GB", gpu.name, gigabytes(gpu.memory_bytes))});
  const int version = machine.gpu.driver_version;
  if (version < kCuda13)
    findings.push_back(
        {Level::kNote, "GPU",
         fmt::format("the driver is for CUDA {}.{}, CUDA 13 kernels may not "
                     "start; update the driver (580 or later)",
                     version / 1000, version % 1000 / 10)});
  return findings;
}

int doctor_command(const DoctorOptions& options, std::ostream& out) {
  const Machine machine = this_machine();
  const RunTools tools = RunTools::find();
  const fs::path folder =
      options.run_directory.empty() ? fs::path(".") : options.run_directory;

  const fs::path scratch = scratch_folder(folder);
  std::vector<Finding> findings = {check_processor(machine),
                                   check_memory(machine)};
  const auto append = [&findings](const std::vector<Finding>& more) {
    findings.insert(findings.end(), more.begin(), more.end());
  };
  append(check_gpus(machine));
  if (machine.gpu.usable())
    findings.push_back(check_cuda_libraries(tools, scratch));
  append(check_programs(tools, scratch));
  findings.push_back(check_mpi(tools, scratch));
  findings.push_back(check_network());
  findings.push_back(check_disk(folder));
  findings.push_back(check_shared_memory("/dev/shm"));
  findings.push_back(check_libraries());
  if (options.model.empty())
    append(check_official_models(machine));
  else
    append(check_model(machine, options.model));

  out << version_line() << '\n';
  bool problem = false;
  for (const Finding& finding : findings) {
    out << mark(finding.level) << "  " << fmt::format("{:<10}", finding.subject)
        << finding.text << '\n';
    problem |= finding.level == Level::kProblem;
  }
  out << (problem ? "runs will not work here until the problems are solved\n"
                  : "ready to run\n");
  return problem ? kExitError : kExitOk;
}

}  // namespace lens::cli
