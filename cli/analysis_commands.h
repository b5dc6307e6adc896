#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <optional>
#include <ostream>
#include <string>

#include "cli/export_command.h"
#include "cli/query_command.h"
#include "cli/report_command.h"
#include "cli/show_command.h"
#include "cli/stats_command.h"

namespace lens::cli {

// What the command line fills for the commands that read results.
struct AnalysisArguments {
  ExportOptions exports;
  QueryOptions query;
  ReportOptions report;
  ShowOptions show;
  StatsOptions stats;
};

// report, stats, export, show, query.
void add_analysis_commands(CLI::App& app, AnalysisArguments& arguments);

// Runs `command`, or nullopt where it is none of these. `command_line` is told
// in what they write. Throws what the command throws.
std::optional<int> run_analysis_command(const std::string& command,
                                        const AnalysisArguments& arguments,
                                        const std::string& command_line,
                                        std::ostream& out);

// The results that `command` reads, or null where it is none of these.
const std::filesystem::path* results_read_by(
    const std::string& command, const AnalysisArguments& arguments);

}  // namespace lens::cli
