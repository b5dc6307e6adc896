#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <ostream>
#include <string>

#include "cli/command.h"
#include "cli/study_flags.h"

namespace lens::cli {

struct ReportOptions {
  std::filesystem::path path;     // a run directory or a results.h5
  std::filesystem::path output;   // empty: report.html beside the results
  std::filesystem::path figures;  // folder for SVG, CSV, JSON; empty: none
  std::size_t samples = 40;       // shown token by token
  double most_megabytes = 5;      // of the page, 10^6 bytes each
  StudyFlags study;
  std::string command_line;  // told in the footer
};

// `lens report`: writes one HTML file that needs no other, replaced as a whole.
// Prints its path and size, and what had to be left out. Returns the exit code.
// Throws InputError or StorageError: no results, a damaged file, a
// place that cannot be written.
int report_command(const ReportOptions& options, std::ostream& out);

std::unique_ptr<Command> make_report_command();

}  // namespace lens::cli
