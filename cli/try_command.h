#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <ostream>
#include <string>

#include "cli/command.h"
#include "cli/show_command.h"

namespace lens::cli {

struct TryOptions {
  std::filesystem::path model;
  std::filesystem::path picture;
  std::string question = "Describe this image.";
  std::filesystem::path page;  // of the report; empty: none
  std::filesystem::path out;   // run directory; empty: one that is removed
  std::optional<std::string> device;
  std::optional<std::string> dtype;
  std::int64_t max_new_tokens = 64;
  std::optional<std::int64_t> max_pixels;
  ShowOptions show;          // how the map looks; what it shows is ours
  std::string command_line;  // told in the report
};

// `lens try`: one picture and one question, the whole way: a run of one sample,
// its answer and heat map in the terminal, and its report where a page is asked
// for. The run directory is removed, unless one was given or something failed.
// Returns the exit code: an error where the sample failed. Throws as
// run_command(), show_command() and report_command().
int try_command(const TryOptions& options, std::ostream& out);

std::unique_ptr<Command> make_try_command();

}  // namespace lens::cli
