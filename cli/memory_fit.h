#pragma once

#include <cstdint>
#include <string>

#include "cli/checkpoint.h"
#include "cli/machine.h"
#include "storage/manifest.h"

namespace lens::cli {

// Bytes of the weights in a dtype of the engine ("float32" or "bfloat16").
std::int64_t weight_bytes(std::int64_t values, const std::string& dtype);

// What weights may take at most on this machine: the memory of its smallest
// GPU, or the host's (the cgroup's where that is less).
std::int64_t memory_for_weights(const Machine& machine,
                                const std::string& device);

// Refuses a run on this machine whose weights alone are more than its memory:
// it would be killed, or page for ever. On CPUs workers share the pages of the
// files where the dtype is the checkpoint's, and make copies where it is not.
// Throws lens::InputError.
void require_memory(const Checkpoint& checkpoint,
                    const storage::RunConfig& config, int workers,
                    const Machine& machine);

}  // namespace lens::cli
