#pragma once

#include <filesystem>
#include <memory>
#include <ostream>
#include <string>

#include "cli/command.h"

namespace lens::cli {

struct ShowOptions {
  std::filesystem::path source = {};  // run directory or results file
  std::string sample = {};            // "12.0" or "mtvqa/12.0"
  std::string dataset = {};           // "": look in all
  std::string value = "entropy";      // or "probability"
  std::string layers = "all";         // as analysis::parse_layers()
  bool no_color = false;
  int width = 0;  // columns; 0: those of the terminal
};

// `lens show`. Colour where standard output is a terminal, NO_COLOR is not set
// and `no_color` is false. Returns the exit code. Throws UsageError: an unknown
// value; else as analysis::open_source(), find_sample() and parse_layers().
int show_command(const ShowOptions& options, std::ostream& out);

// --value, --layers, --no-color and --width.
void add_map_flags(CLI::App& command, ShowOptions& options);

std::unique_ptr<Command> make_show_command();

}  // namespace lens::cli
