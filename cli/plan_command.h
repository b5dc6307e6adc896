#pragma once

#include <filesystem>
#include <memory>
#include <ostream>
#include <string>

#include "cli/command.h"
#include "cli/plan.h"
#include "storage/run_directory.h"

namespace lens::cli {

// `lens plan`: prints what the run will do. Errors as plan_run().
int plan_command(const PlanRequest& request, std::ostream& out);

// What `lens run` does alike: says on stderr how hashing goes; one line of what
// was planned; where.
PlanOptions plan_options(bool runs_here);
std::string plan_line(const Plan& plan,
                      const std::filesystem::path& run_directory);
storage::RunDirectory directory_of(const PlanRequest& request);

std::unique_ptr<Command> make_plan_command();

}  // namespace lens::cli
