#include "cli/memory_fit.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace lens::cli {

std::int64_t weight_bytes(std::int64_t values, const std::string& dtype) {
  return values * (dtype == "float32" ? 4 : 2);
}

std::int64_t memory_for_weights(const Machine& machine,
                                const std::string& device) {
  if (device != "cuda" || !machine.gpu.usable()) return machine.memory_bytes;
  std::int64_t least = machine.gpu.gpus.front().memory_bytes;
  for (const GpuInfo& gpu : machine.gpu.gpus)
    least = std::min(least, gpu.memory_bytes);
  return least;
}

void require_memory(const Checkpoint& checkpoint,
                    const storage::RunConfig& config, int workers,
                    const Machine& machine) {
  const bool gpu = config.device == "cuda";
  // Where there is no GPU that is what the run must be told first.
  if (gpu && !machine.gpu.usable()) return;
  const std::int64_t each = weight_bytes(checkpoint.parameters, config.dtype);
  // In the dtype of their file weights are mapped, and workers share the pages;
  // converted ones are held by each.
  const std::int64_t copies =
      gpu || config.dtype == checkpoint.dtype ? 1 : std::max(1, workers);
  const std::int64_t there = memory_for_weights(machine, config.device);
  if (there <= 0 || each <= there / copies) return;
  const auto gigabytes = [](std::int64_t bytes) {
    return static_cast<double>(bytes) * 1e-9;
  };
  std::string remedy = "take a smaller checkpoint or a larger machine";
  if (config.dtype == "float32" && each / 2 <= there)
    remedy += ", or --dtype bfloat16";
  if (copies > 1) remedy += ", or fewer --workers";
  throw InputError(
      checkpoint.folder.string() + " does not fit the memory",
      fmt::format("its weights need {:.1f} GB in {}{}, {} has {:.1f} GB",
                  gigabytes(each), config.dtype,
                  copies > 1 ? fmt::format(" in each of {} workers", copies)
                             : std::string(),
                  gpu ? "a GPU here" : "this machine", gigabytes(there)),
      remedy);
}

}  // namespace lens::cli
