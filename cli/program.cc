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
#include <new>
#include <set>
#include <string>
#include <system_error>
#include <vector>

#include "base/exit_code.h"
#include "cli/analysis_commands.h"
#include "cli/config_file.h"
#include "cli/doctor.h"
#include "cli/guarded_command.h"
#include "cli/home_path.h"
#include "cli/merge_command.h"
#include "cli/run_command.h"
#include "cli/run_flags.h"
#include "cli/standard_output.h"
#include "cli/status_command.h"
#include "cli/tokenize_command.h"
#include "cli/usage_error.h"
#include "cli/version.h"
#include "input/file/hub_snapshot.h"

namespace lens::cli {
namespace {

namespace fs = std::filesystem;

// Everything the command line can fill, and what it chose to do.
struct Arguments {
  RunFlags run;
  std::string run_directory;
  std::string output;
  fs::path path;
  StatusOptions status;
  bool partial = false;
  std::string model;
  std::string doctor_out;
  AnalysisArguments analysis;
};

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

CLI::App* add_plan_like(CLI::App& app, const char* name, const char* what,
                        const char* examples, RunFlags& flags) {
  CLI::App* command = app.add_subcommand(name, what);
  add_run_flags(*command, flags);
  command->footer(examples);
  return command;
}

void add_directory(CLI::App* command, std::string& value) {
  command->add_option("RUN_DIR", value, "The folder given as --out")
      ->required();
}

void add_commands(CLI::App& app, Arguments& arguments) {
  add_plan_like(app, "run",
                "Run on this machine: plan, workers, merge. The same command "
                "again resumes",
                "Examples:\n"
                "  lens run --model Qwen2-VL-2B-Instruct --dataset "
                "mtvqa=MTVQA --out runs/mtvqa\n"
                "  lens run --model Qwen2-VL-2B-Instruct --dataset "
                "mtvqa=MTVQA --language RU KR \\\n"
                "      --dataset latex_ocr=LaTeX_OCR --limit 100 --out "
                "runs/small\n"
                "  lens run --config run.toml\n\n"
                "Exit: 0 complete, 75 interrupted and resumable, 1 error, 2 "
                "usage.",
                arguments.run);
  add_plan_like(app, "plan",
                "Only plan: make the run directory with its manifest, for "
                "batch scripts",
                "Example:\n"
                "  lens plan --model DIR --dataset latex_ocr=PATH --device "
                "cuda --out RUN_DIR",
                arguments.run);

  CLI::App* status =
      app.add_subcommand("status", "How a run goes, and what to do next");
  add_directory(status, arguments.run_directory);
  status->add_flag("--json", arguments.status.json, "One JSON object");
  status->add_flag("--watch", arguments.status.watch,
                   "Again every second, until the run is at rest");
  status->footer(
      "Examples:\n"
      "  lens status runs/mtvqa --watch\n"
      "  lens status runs/mtvqa --json | jq .eta_seconds\n\n"
      "States: running, merging, complete, interrupted, failed.");

  CLI::App* merge =
      app.add_subcommand("merge", "Write results.h5 from the parts of a run");
  add_directory(merge, arguments.run_directory);
  merge->add_flag("--partial", arguments.partial,
                  "Take what is there now; the file says complete = 0");
  merge
      ->add_option("-o,--output", arguments.output,
                   "Another file (default: results.h5 of the run, with "
                   "--partial results.partial.h5)")
      ->type_name("FILE");
  merge->footer(
      "Examples:\n"
      "  lens merge runs/mtvqa\n"
      "  lens merge runs/mtvqa --partial -o snapshot.h5");

  CLI::App* verify = app.add_subcommand(
      "verify", "Check the parts and results of a run, or one results.h5");
  verify->add_option("PATH", arguments.path, "RUN_DIR or a results.h5")
      ->required();
  verify->footer(
      "Examples:\n"
      "  lens verify runs/mtvqa\n"
      "  lens verify results.h5\n\n"
      "Problems are printed one a line; the exit code is then 1.");

  add_analysis_commands(app, arguments.analysis);

  CLI::App* tokenize = app.add_subcommand(
      "tokenize", "Token ids of text: JSON strings in, JSON lists out");
  tokenize->add_option("--model", arguments.model, "Checkpoint folder")
      ->type_name("DIR")
      ->required();
  tokenize->footer(
      "Example:\n"
      "  echo '\"Hello world\"' | lens tokenize --model "
      "Qwen2-VL-2B-Instruct");

  CLI::App* doctor = app.add_subcommand(
      "doctor", "Whether this machine can run, and what is missing");
  doctor
      ->add_option("--model", arguments.model,
                   "Checkpoint folder: is it whole, does it fit the memory "
                   "(default: which of 2B, 7B, 72B would)")
      ->type_name("DIR");
  doctor
      ->add_option("RUN_DIR,--out", arguments.doctor_out,
                   "Run directory: is its disk fit (default: this folder)")
      ->type_name("");
  doctor->footer(
      "Example:\n"
      "  lens doctor --model Qwen2-VL-2B-Instruct runs/mtvqa");
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
void parse_with_config(CLI::App& app, Arguments& arguments,
                       const std::vector<std::string>& words) {
  parse(app, words);
  const CLI::App* command = app.get_subcommands().front();
  if (arguments.run.config.empty()) return;
  const auto [known, given] = flag_names(*command);
  std::vector<std::string> all = words;
  const std::vector<std::string> more =
      config_arguments(expand_home(arguments.run.config), known, given);
  all.insert(all.end(), more.begin(), more.end());
  parse(app, all);
}

int run_chosen(const std::string& command, const Arguments& arguments,
               const std::vector<std::string>& words, std::ostream& out) {
  const std::string command_line = "lens " + quoted(words);
  if (command == "run")
    return run_command(
        plan_request(arguments.run),
        {.keep_parts = arguments.run.keep_parts, .command_line = command_line},
        out);
  if (command == "plan") return plan_command(plan_request(arguments.run), out);
  if (command == "status")
    return status_command(arguments.run_directory, arguments.status, out);
  if (command == "merge")
    return merge_command(arguments.run_directory,
                         {.partial = arguments.partial,
                          .output = arguments.output,
                          .progress = {}},
                         out);
  if (command == "verify") return verify_command(arguments.path, out);
  if (command == "tokenize") {
    std::ios::sync_with_stdio(false);
    return tokenize_command(hub_snapshot(expand_home(arguments.model)),
                            std::cin, out);
  }
  if (const auto code =
          run_analysis_command(command, arguments.analysis, command_line, out))
    return *code;
  return doctor_command({.model = expand_home(arguments.model),
                         .run_directory = expand_home(arguments.doctor_out)},
                        out);
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
  const auto* by_system = dynamic_cast<const std::system_error*>(&error);
  if (by_system &&
      by_system->code() == std::errc::resource_unavailable_try_again)
    return std::string("cannot start a thread (") + error.what() +
           "); raise the limit of processes (ulimit -u), or end others";
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

// The results that a command reads with the HDF5 library, which damaged ones
// may crash; null for other commands.
const fs::path* results_read(const std::string& command,
                             const Arguments& arguments) {
  if (command == "verify") return &arguments.path;
  return results_read_by(command, arguments.analysis);
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
  Arguments arguments;
  CLI::App app(
      "Lens: what Qwen2-VL would say at every layer, for whole data sets",
      "lens");
  app.set_version_flag("--version", version_line());
  app.require_subcommand(1);
  app.get_formatter()->column_width(34);
  app.footer(
      "Examples:\n"
      "  lens run --model Qwen2-VL-2B-Instruct --dataset mtvqa=MTVQA --out "
      "runs/mtvqa\n"
      "  lens status runs/mtvqa --watch\n\n"
      "`lens COMMAND --help` tells more of a command.");
  const std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  hold_standard_descriptors();
  errors_on_terminal();
  try {
    add_commands(app, arguments);
    parse_with_config(app, arguments, words);
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
  const std::string command = chosen_command(app);
  const auto run = [&](std::ostream& out) {
    return run_chosen(command, arguments, words, out);
  };
  const fs::path* const results = results_read(command, arguments);
  if (results == nullptr) return run_over_output(command, run);
  // The child maps its errors; what is thrown here is that it died.
  return run_over_output(command, [&](std::ostream&) {
    return run_guarded_command(*results,
                               [&] { return run_over_output(command, run); });
  });
}

}  // namespace lens::cli
