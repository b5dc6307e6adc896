#pragma once

#include <memory>
#include <ostream>
#include <string>

#include "cli/command.h"
#include "cli/plan.h"

namespace lens::cli {

struct RunCommandOptions {
  std::string command = "run";  // who complains
  bool keep_parts = true;
  // Says nothing but what went wrong and, on a terminal, how it goes.
  bool quiet = false;
  std::string read_weights = {};  // LocalRunOptions::read_weights
  std::string command_line;       // as typed, to tell how to resume
};

// `lens run`: plan, coordinator, workers, merge. What a script wants to read
// goes to `out`, progress to stderr. Returns kExitOk, kExitResumable or
// kExitError; errors as plan_run() and merge_run().
int run_command(const PlanRequest& request, const RunCommandOptions& options,
                std::ostream& out);

std::unique_ptr<Command> make_run_command();

}  // namespace lens::cli
