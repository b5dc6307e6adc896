#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <ostream>
#include <string>

#include "cli/command.h"
#include "cli/study_flags.h"

namespace lens::cli {

struct DiffOptions {
  std::filesystem::path a = {}, b = {};  // run directories or results files
  std::filesystem::path output = {};     // the page; empty: text instead
  std::filesystem::path figures = {};    // folder for SVG and CSV; empty: none
  std::string json = {};                 // file; "-": standard output; "": none
  // Changed answers opened by layer: on the page and in JSON 40, in the
  // terminal 3, where it is not given.
  std::optional<std::size_t> samples = {};
  StudyFlags study = {};
  bool no_color = false;
  std::string command_line = {};  // told in the footer
  bool progress = false;          // on standard error
};

// `lens diff`: two runs side by side as a page or as text, or all numbers as
// JSON. With json "-" nothing else is written to `out`. Returns the exit code.
// Throws InputError, StorageError.
int diff_command(const DiffOptions& options, std::ostream& out);

std::unique_ptr<Command> make_diff_command();

}  // namespace lens::cli
