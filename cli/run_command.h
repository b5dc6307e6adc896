#pragma once

#include <ostream>
#include <string>

#include "cli/plan.h"

namespace lens::cli {

struct RunCommandOptions {
  bool keep_parts = true;
  std::string command_line;  // as typed, to tell how to resume
};

// `lens plan`: prints what the run will do. Errors as plan_run().
int plan_command(const PlanRequest& request, std::ostream& out);

// `lens run`: plan, coordinator, workers, merge. What a script wants to read
// goes to `out`, progress to stderr. Returns kExitOk, kExitResumable or
// kExitError; errors as plan_run() and merge_run().
int run_command(const PlanRequest& request, const RunCommandOptions& options,
                std::ostream& out);

}  // namespace lens::cli
