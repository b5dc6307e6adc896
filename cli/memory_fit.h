#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "cli/checkpoint.h"
#include "cli/machine.h"
#include "model/description.h"
#include "storage/manifest.h"

namespace lens::cli {

// Bytes of the weights in a dtype of the engine ("float32" or "bfloat16").
std::int64_t weight_bytes(std::int64_t values, const std::string& dtype);

// The states, keys and images of a batch want some memory beside the weights.
std::int64_t with_room(std::int64_t weights);

double gigabytes(std::int64_t bytes);

// What weights may take at most on this machine: the memory of its smallest
// GPU, or the host's (the cgroup's where that is less).
std::int64_t memory_for_weights(const Machine& machine,
                                const std::string& device);

// The spread of so many ranks; nothing where there is none.
std::optional<model::Spread> spread_over(std::span<const model::Spread> spreads,
                                         int ranks);

// The spread of the fewest ranks whose weights fit so many bytes each, with
// room; nothing where that of the most does not.
std::optional<model::Spread> least_spread(
    std::span<const model::Spread> spreads, const std::string& dtype,
    std::int64_t bytes);

// Refuses a run on this machine whose weights alone are more than its memory:
// it would be killed, or page for ever. A GPU holds the share of one rank, CPUs
// hold all of them: there workers share the pages of the files where the dtype
// is the checkpoint's, and make copies where it is not. Throws
// lens::InputError.
void require_memory(const Checkpoint& checkpoint,
                    const storage::RunConfig& config, int workers,
                    const Machine& machine);

}  // namespace lens::cli
