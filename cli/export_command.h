#pragma once

#include <filesystem>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "cli/command.h"

namespace lens::cli {

struct ExportOptions {
  std::filesystem::path source = {};       // run directory or results file
  std::filesystem::path csv = {};          // folder; empty: no CSV
  std::filesystem::path parquet = {};      // folder; empty: no Parquet
  std::vector<std::string> datasets = {};  // empty: all
  bool samples = true;                     // the CSV files of each sample
  bool long_table = true;
};

// `lens export`. Returns the exit code. Throws UsageError where neither folder
// is given, else as analysis::export_tables().
int export_command(const ExportOptions& options, std::ostream& out);

std::unique_ptr<Command> make_export_command();

}  // namespace lens::cli
