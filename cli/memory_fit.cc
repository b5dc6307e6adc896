#include "cli/memory_fit.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace lens::cli {
namespace {

// "its weights need 8.8 GB in float32 in each of 2 workers".
std::string need_text(std::int64_t each, const std::string& dtype, bool gpu,
                      int ranks, std::int64_t copies) {
  std::string text =
      fmt::format("its weights need {:.1f} GB in {}", gigabytes(each), dtype);
  if (gpu && ranks > 1)
    text += fmt::format(" on each of {} ranks", ranks);
  else if (ranks > 1)
    text += fmt::format(" in {} ranks", ranks);
  if (copies > 1) text += fmt::format(" in each of {} workers", copies);
  return text;
}

}  // namespace

std::int64_t weight_bytes(std::int64_t values, const std::string& dtype) {
  return values * (dtype == "float32" ? 4 : 2);
}

std::int64_t with_room(std::int64_t weights) { return weights + weights / 5; }

double gigabytes(std::int64_t bytes) {
  return static_cast<double>(bytes) * 1e-9;
}

std::int64_t memory_for_weights(const Machine& machine,
                                const std::string& device) {
  if (device != "cuda" || !machine.gpu.usable()) return machine.memory_bytes;
  std::int64_t least = machine.gpu.gpus.front().memory_bytes;
  for (const GpuInfo& gpu : machine.gpu.gpus)
    least = std::min(least, gpu.memory_bytes);
  return least;
}

std::optional<model::Spread> spread_over(std::span<const model::Spread> spreads,
                                         int ranks) {
  const auto found = std::ranges::find(spreads, ranks, &model::Spread::ranks);
  if (found == spreads.end()) return std::nullopt;
  return *found;
}

std::optional<model::Spread> least_spread(
    std::span<const model::Spread> spreads, const std::string& dtype,
    std::int64_t bytes) {
  const auto found =
      std::ranges::find_if(spreads, [&](const model::Spread& spread) {
        return with_room(weight_bytes(spread.values, dtype)) <= bytes;
      });
  if (found == spreads.end()) return std::nullopt;
  return *found;
}

void require_memory(const Checkpoint& checkpoint,
                    const storage::RunConfig& config, int workers,
                    const Machine& machine) {
  const bool gpu = config.device == "cuda";
  // Where there is no GPU that is what the run must be told first.
  if (gpu && !machine.gpu.usable()) return;
  const int ranks = config.tensor_parallel;
  const auto spread = spread_over(checkpoint.spreads, ranks);
  const std::int64_t share =
      weight_bytes(spread && ranks > 1 ? spread->values : checkpoint.parameters,
                   config.dtype);
  const std::int64_t each = gpu ? share : share * ranks;
  // In the dtype of their file weights are mapped, and workers share the pages;
  // converted ones are held by each.
  const std::int64_t copies =
      gpu || config.dtype == checkpoint.dtype ? 1 : std::max(1, workers);
  const std::int64_t there = memory_for_weights(machine, config.device);
  if (there <= 0 || each <= there / copies) return;
  std::string remedy = "take a smaller checkpoint or a larger machine";
  if (config.dtype == "float32" && each / 2 <= there)
    remedy += ", or --dtype bfloat16";
  if (copies > 1) remedy += ", or fewer --workers";
  const auto least = least_spread(checkpoint.spreads, config.dtype, there);
  if (gpu && least && least->ranks > ranks)
    remedy += fmt::format(", or --tensor-parallel {}", least->ranks);
  throw InputError(
      checkpoint.folder.string() + " does not fit the memory",
      fmt::format("{}, {} has {:.1f} GB",
                  need_text(each, config.dtype, gpu, ranks, copies),
                  gpu ? "a GPU here" : "this machine", gigabytes(there)),
      remedy);
}

}  // namespace lens::cli
