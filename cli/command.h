#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

namespace lens::cli {

// One command of the program `lens`: what the command line fills for it, and
// what it does. Each has a file of its own, NAME_command.cc, and a line in
// commands.cc.
class Command {
 public:
  virtual ~Command() = default;

  // Adds its subcommand, whose flags fill this object.
  virtual CLI::App* add_to(CLI::App& program) = 0;

  // `line` is the command line as typed, to be told in what it writes. Returns
  // the exit code; what it throws is told to the user.
  virtual int run(const std::string& line, std::ostream& out) const = 0;

  // The results that it reads with the HDF5 library, which damaged ones may
  // crash; null where there are none.
  virtual const std::filesystem::path* results() const { return nullptr; }
  // The same of what it holds them against.
  virtual const std::filesystem::path* other_results() const { return nullptr; }

  // A TOML file with more flags; empty for none.
  virtual std::string config_file() const { return ""; }
};

// All of them, in the order of `lens --help`.
std::vector<std::unique_ptr<Command>> all_commands();

// The operand of commands that read results.
inline void add_source(CLI::App& command, std::filesystem::path& source) {
  command.add_option("PATH", source, "RUN_DIR or a results.h5")->required();
}

// The operand of commands that are about a run.
inline void add_run_directory(CLI::App& command, std::string& directory) {
  command.add_option("RUN_DIR", directory, "The folder given as --out")
      ->required();
}

}  // namespace lens::cli
