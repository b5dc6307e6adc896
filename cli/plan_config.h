#pragma once

#include <string>

#include "cli/checkpoint.h"
#include "cli/machine.h"
#include "cli/plan.h"
#include "storage/manifest.h"

namespace lens::cli {

// The config of a run as far as it does not depend on the data sets: all but
// `prompts` and `unit_images`. "auto" is taken from `previous` where given,
// else resolved for the machine. Throws lens::InputError.
storage::RunConfig resolve_config(const PlanRequest& request,
                                  const Machine& machine,
                                  const Checkpoint& checkpoint,
                                  const storage::Manifest* previous);

}  // namespace lens::cli
