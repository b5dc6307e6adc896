#include "cli/program.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <new>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "base/exit_code.h"
#include "cli/command.h"
#include "cli/config_file.h"
#include "cli/guarded_command.h"
#include "cli/home_path.h"
#include "cli/standard_output.h"
#include "cli/usage_error.h"
#include "cli/version.h"
#include "model/families.h"
#include "proto/threads.h"

namespace lens::cli {
namespace {

using Commands = std::map<const CLI::App*, std::unique_ptr<Command>>;

std::string quoted(const std::string& word) {
  const auto plain = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) ||
           std::string_view("_-./=,:+%@").find(c) != std::string_view::npos;
  };
  if (!word.empty() && std::all_of(word.begin(), word.end(), plain))
    return word;
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? "'\\''" : std::string(1, c);
  return text + "'";
}

std::string quoted(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words)
    line += (line.empty() ? "" : " ") + quoted(word);
  return line;
}

// Long names of a command's flags, and of those that were given.
std::pair<std::set<std::string>, std::set<std::string>> flag_names(
    const CLI::App& command) {
  std::set<std::string> known, given;
  for (const CLI::Option* option : command.get_options())
    for (const std::string& name : option->get_lnames()) {
      known.insert(name);
      if (option->count() > 0) given.insert(name);
    }
  return {known, given};
}

void parse(CLI::App& app, std::vector<std::string> words) {
  // CLI11 takes them from the back.
  std::reverse(words.begin(), words.end());
  app.parse(words);
}

// Parses; where a --config file is named, parses again with its keys as
// arguments, so that both have the same spellings, checks and messages.
// Returns the command that was chosen.
const Command& parse_with_config(CLI::App& app, const Commands& commands,
                                 const std::vector<std::string>& words) {
  parse(app, words);
  const CLI::App* subcommand = app.get_subcommands().front();
  const Command& command = *commands.at(subcommand);
  const std::string config = command.config_file();
  if (config.empty()) return command;
  const auto [known, given] = flag_names(*subcommand);
  std::vector<std::string> all = words;
  const std::vector<std::string> more =
      config_arguments(expand_home(config), known, given);
  all.insert(all.end(), more.begin(), more.end());
  parse(app, all);
  return command;
}

// What follows the first line shows the place, for example with a caret.
int usage(const std::string& command, const std::string& message) {
  const std::string program = command.empty() ? "lens" : "lens " + command;
  const std::size_t end = std::min(message.find('\n'), message.size());
  std::cerr << program << ": " << message.substr(0, end) << "; see `" << program
            << " --help`" << message.substr(end) << '\n';
  return kExitUsage;
}

std::string chosen_command(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  return chosen.empty() ? "" : chosen.front()->get_name();
}

void complain(const std::string& command, const std::string& what,
              StandardOutput& out) {
  try {
    out.finish();  // what was said before stands before
  } catch (const OutputError&) {
    // One reason is enough.
  }
  std::cerr.tie(nullptr);  // a stream that failed throws when it is flushed
  std::cerr << "lens " << command << ": " << what << '\n';
}

// What the system and the library refuse has no words of ours with it.
std::string explain(const std::exception& error) {
  if (dynamic_cast<const std::bad_alloc*>(&error))
    return "out of memory (the machine's, a limit's, or more than a sound file "
           "takes); raise the limit (ulimit -v), end other programs, or check "
           "the file with lens verify";
  if (const auto* by_system = dynamic_cast<const std::system_error*>(&error)) {
    const std::string refused = proto::refused_thread(by_system->code());
    if (!refused.empty()) return refused;
  }
  return error.what();
}

// Runs a command over standard output, which is written out before its exit
// code counts. Errors become exit codes here.
int run_over_output(const std::string& command,
                    const std::function<int(std::ostream&)>& body) {
  StandardOutput out(STDOUT_FILENO);
  try {
    const int code = body(out);
    out.finish();
    return code;
  } catch (const OutputError& error) {
    if (!error.nobody_reads()) complain(command, error.what(), out);
  } catch (const UsageError& error) {
    return usage(command, error.what());
  } catch (const std::exception& error) {
    complain(command, explain(error), out);
  }
  return kExitError;
}

// What CLI11 found, said in our words where its own do not name the culprit.
std::string parse_problem(const CLI::App& app, const CLI::ParseError& error,
                          const std::vector<std::string>& words) {
  const CLI::App* command = &app;
  if (!app.get_subcommands().empty()) command = app.get_subcommands().front();
  if (dynamic_cast<const CLI::RequiredError*>(&error) && command == &app) {
    for (const std::string& word : words)
      if (!word.starts_with('-')) return "unknown command " + quoted(word);
    for (const std::string& word : words) return "unknown flag " + quoted(word);
    return "a command is missing";
  }
  if (dynamic_cast<const CLI::ExtrasError*>(&error))
    for (const std::string& word : command->remaining(true))
      return (word.starts_with('-') ? "unknown flag " : "unexpected ") +
             quoted(word);
  const std::string message = error.what();
  return message.substr(0, message.find('\n'));
}

}  // namespace

int lens_main(int argc, const char* const* argv) {
  // Whoever starts us may ignore it, and the system would then throw away how
  // our children ended.
  std::signal(SIGCHLD, SIG_DFL);
  // What the network says is told in our words.
  setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);
  CLI::App app("Lens: what " + model::family_names() +
                   " would say at every layer, for whole data sets",
               "lens");
  app.set_version_flag("--version", version_line());
  app.require_subcommand(1);
  app.get_formatter()->column_width(34);
  app.footer(
      "Examples:\n"
      "  lens run --model " +
      model::example_name() +
      " --dataset mtvqa=MTVQA --out "
      "runs/mtvqa\n"
      "  lens status runs/mtvqa --watch\n\n"
      "`lens COMMAND --help` tells more of a command.");
  const std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  hold_standard_descriptors();
  errors_on_terminal();
  Commands commands;
  for (std::unique_ptr<Command>& command : all_commands()) {
    const CLI::App* const subcommand = command->add_to(app);
    commands.emplace(subcommand, std::move(command));
  }
  const Command* command = nullptr;
  try {
    command = &parse_with_config(app, commands, words);
  } catch (const CLI::Success& answer) {
    // --help, --version
    return run_over_output(chosen_command(app), [&](std::ostream& out) {
      return app.exit(answer, out, std::cerr);
    });
  } catch (const CLI::ParseError& error) {
    return usage(chosen_command(app), parse_problem(app, error, words));
  } catch (const UsageError& error) {
    return usage(chosen_command(app), error.what());
  }
  const std::string name = chosen_command(app);
  const auto run = [&](std::ostream& out) {
    return command->run("lens " + quoted(words), out);
  };
  if (command->results() == nullptr) return run_over_output(name, run);
  // The child maps its errors; what is thrown here is that it died.
  std::vector<std::filesystem::path> paths = {*command->results()};
  if (command->other_results() != nullptr)
    paths.push_back(*command->other_results());
  return run_over_output(name, [&](std::ostream&) {
    return run_guarded_command(paths,
                               [&] { return run_over_output(name, run); });
  });
}

}  // namespace lens::cli
