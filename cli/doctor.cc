#include "cli/doctor.h"

#include <fmt/format.h>

#include "cli/memory_fit.h"

namespace lens::cli {
namespace {

using Level = Finding::Level;

constexpr int kCuda13 = 13000;  // what the worker's CUDA half is built for

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

}  // namespace lens::cli
