#pragma once

#include <filesystem>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/study_flags.h"

namespace lens::cli {

struct StatsOptions {
  std::filesystem::path path = {};  // a run directory or a results file
  std::string json = {};            // file; "-": standard output; "": none
  std::vector<std::string> language = {};  // only these; empty: all
  StudyFlags study = {};
  bool progress = false;  // on standard error
};

// `lens stats`: the study's answers and a table of groups as text, or all
// numbers as JSON. With json "-" nothing else is written to `out`. Returns the
// exit code. Throws InputError, StorageError.
int stats_command(const StatsOptions& options, std::ostream& out);

std::unique_ptr<Command> make_stats_command();

}  // namespace lens::cli
