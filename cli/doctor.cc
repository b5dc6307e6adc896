#include "cli/doctor.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/checkpoint.h"
#include "cli/exit_code.h"
#include "cli/version.h"
#include "worker/error.h"

namespace lens::cli {
namespace {

namespace fs = std::filesystem;
using Level = Finding::Level;

constexpr int kCuda13 = 13000;  // what the worker's CUDA half is built for

double gigabytes(std::int64_t bytes) {
  return static_cast<double>(bytes) * 1e-9;
}

// A checkpoint cannot be used: that is a finding, not the end of the others.
std::vector<Finding> check_model(const Machine& machine,
                                 const fs::path& folder) {
  try {
    const Checkpoint checkpoint = read_checkpoint(folder);
    std::vector<Finding> findings = {
        {Level::kGood, "model",
         fmt::format("{}: {} layers, vocabulary {}, {:.2f} billion {} values",
                     checkpoint.folder.filename().string(),
                     checkpoint.num_layers, checkpoint.vocab_size,
                     static_cast<double>(checkpoint.parameters) * 1e-9,
                     checkpoint.dtype)}};
    if (checkpoint.tokenizer_files.empty())
      findings.push_back({Level::kProblem, "model",
                          "no tokenizer files; download the checkpoint again"});
    findings.push_back(
        check_model_memory(machine, checkpoint.parameters, checkpoint.dtype));
    return findings;
  } catch (const InputError& error) {
    return {{Level::kProblem, "model", error.what()}};
  }
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

Finding check_model_memory(const Machine& machine, std::int64_t weight_values,
                           const std::string& checkpoint_dtype) {
  const bool gpu = machine.gpu.usable();
  const bool wide =
      checkpoint_dtype == "float32" ||
      (!gpu && (checkpoint_dtype == "float16" || !machine.cpu.fast_bfloat16()));
  const std::int64_t need = weight_values * (wide ? 4 : 2);
  std::int64_t there = machine.available_bytes;
  if (gpu) {
    there = machine.gpu.gpus.front().memory_bytes;
    for (const GpuInfo& each : machine.gpu.gpus)
      there = std::min(there, each.memory_bytes);
  }
  const std::string text =
      fmt::format("weights need {:.1f} GB in {} for each worker, {:.1f} GB {}",
                  gigabytes(need), wide ? "float32" : "bfloat16",
                  gigabytes(there), gpu ? "are on a GPU" : "are free");
  // The states, keys and images of a batch want some too.
  if (need + need / 5 > there)
    return {need > there ? Level::kProblem : Level::kNote, "model",
            text + "; take a smaller checkpoint or a larger machine" +
                (wide && !gpu ? ", or --dtype bfloat16" : "")};
  return {Level::kGood, "model", text};
}

int doctor_command(const DoctorOptions& options, std::ostream& out) {
  const Machine machine = this_machine();
  const RunTools tools = RunTools::find();
  const fs::path folder =
      options.run_directory.empty() ? fs::path(".") : options.run_directory;

  std::vector<Finding> findings = {check_processor(machine),
                                   check_memory(machine)};
  const auto append = [&findings](const std::vector<Finding>& more) {
    findings.insert(findings.end(), more.begin(), more.end());
  };
  append(check_gpus(machine));
  append(check_programs(tools));
  findings.push_back(check_mpi(tools, fs::temp_directory_path()));
  findings.push_back(check_disk(folder));
  findings.push_back(check_libraries());
  if (!options.model.empty()) append(check_model(machine, options.model));

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
