#pragma once

#include "cli/checkpoint.h"
#include "cli/machine.h"
#include "cli/plan.h"
#include "storage/manifest.h"

namespace lens::cli {

// How many ranks share a model (--tensor-parallel): as asked for; "auto" is
// what `previous` says, where given, or else as few as can hold it in the
// memory of this machine's devices. Of the config device and dtype are read.
// Throws lens::InputError for a number that the model cannot be spread over,
// and where "auto" finds none.
int resolve_tensor_parallel(const PlanRequest& request, const Machine& machine,
                            const Checkpoint& checkpoint,
                            const storage::RunConfig& config,
                            const storage::Manifest* previous);

// Refuses a run on this machine whose ranks are more than its GPUs: those that
// share a model cannot share a GPU. Throws lens::InputError.
void require_gpus(const storage::RunConfig& config, int workers,
                  const Machine& machine);

}  // namespace lens::cli
