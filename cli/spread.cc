#include "cli/spread.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "cli/memory_fit.h"

namespace lens::cli {
namespace {

// "1, 2 and 4 work".
std::string possible(const std::vector<model::Spread>& spreads) {
  std::string text;
  for (std::size_t i = 0; i < spreads.size(); ++i) {
    if (i > 0) text += i + 1 < spreads.size() ? ", " : " and ";
    text += std::to_string(spreads[i].ranks);
  }
  return text + (spreads.size() == 1 ? " works" : " work");
}

void require_spread(const Checkpoint& checkpoint, int ranks) {
  if (spread_over(checkpoint.spreads, ranks)) return;
  throw InputError(
      fmt::format("cannot spread this model over {} ranks", ranks),
      fmt::format("its {} heads and {} key heads cannot be shared out",
                  checkpoint.num_heads, checkpoint.num_kv_heads),
      possible(checkpoint.spreads));
}

int least_ranks(const Checkpoint& checkpoint, const storage::RunConfig& config,
                const Machine& machine) {
  const std::string problem = "cannot choose --tensor-parallel";
  const bool gpu = config.device == "cuda";
  if (gpu && !machine.gpu.usable())
    throw InputError(
        problem,
        "no GPU here tells how much memory it has: " + machine.gpu.problem,
        "give a number instead of auto");
  const std::int64_t there = memory_for_weights(machine, config.device);
  const auto least = least_spread(checkpoint.spreads, config.dtype, there);
  if (least) return least->ranks;
  const model::Spread& most = checkpoint.spreads.back();
  throw InputError(
      problem,
      fmt::format("each of {} ranks, the most that can share this model, needs "
                  "{:.1f} GB in {}, {} has {:.1f} GB",
                  most.ranks,
                  gigabytes(with_room(weight_bytes(most.values, config.dtype))),
                  config.dtype, gpu ? "a GPU here" : "this machine",
                  gigabytes(there)),
      "take a smaller checkpoint or a larger machine");
}

}  // namespace

int resolve_tensor_parallel(const PlanRequest& request, const Machine& machine,
                            const Checkpoint& checkpoint,
                            const storage::RunConfig& config,
                            const storage::Manifest* previous) {
  if (request.tensor_parallel) {
    require_spread(checkpoint, *request.tensor_parallel);
    return *request.tensor_parallel;
  }
  if (previous) return previous->config.tensor_parallel;
  return least_ranks(checkpoint, config, machine);
}

void require_gpus(const storage::RunConfig& config, int workers,
                  const Machine& machine) {
  const int ranks = config.tensor_parallel;
  const int gpus = static_cast<int>(machine.gpu.gpus.size());
  // Where there is no GPU that is what the run must be told first.
  if (config.device != "cuda" || ranks == 1 || gpus == 0) return;
  if (workers * ranks <= gpus) return;
  throw InputError(
      fmt::format("cannot start {} worker{} of {} ranks here", workers,
                  workers == 1 ? "" : "s", ranks),
      fmt::format("each rank needs a GPU of its own, this machine has {}",
                  gpus),
      workers > 1 && ranks <= gpus
          ? fmt::format("give --workers {} or less", gpus / ranks)
          : "give a smaller --tensor-parallel, or take more machines: "
            "slurm/lens.sbatch spreads a worker over them");
}

}  // namespace lens::cli
