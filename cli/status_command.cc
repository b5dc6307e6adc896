#include "cli/status_command.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/exit_code.h"
#include "cli/status_source.h"

namespace lens::cli {
namespace {

using namespace std::chrono_literals;
constexpr auto kWatchInterval = 1s;

bool at_rest(const RunStatus& status) {
  return status.state != RunState::kRunning &&
         status.state != RunState::kMerging;
}

}  // namespace

int status_command(const std::filesystem::path& run_directory,
                   const StatusOptions& options, std::ostream& out) {
  const storage::RunDirectory run(run_directory);
  CoordinatorClient client(run);
  const bool redraw = options.watch && !options.json && isatty(STDOUT_FILENO);
  std::ptrdiff_t drawn = 0;  // lines to go back over
  for (;;) {
    const RunStatus status = run_status(run, client);
    const std::string text =
        options.json ? status_json(status) + "\n" : status_text(status);
    if (redraw && drawn > 0) out << "\x1b[" << drawn << "A\x1b[J";
    out << text << std::flush;
    drawn = std::count(text.begin(), text.end(), '\n');
    if (!options.watch || at_rest(status) || !out) return kExitOk;
    std::this_thread::sleep_for(kWatchInterval);
  }
}

namespace {

class StatusCommand : public Command {
 public:
  CLI::App* add_to(CLI::App& program) override {
    CLI::App* command =
        program.add_subcommand("status", "How a run goes, and what to do next");
    add_run_directory(*command, run_directory_);
    command->add_flag("--json", options_.json, "One JSON object");
    command->add_flag("--watch", options_.watch,
                      "Again every second, until the run is at rest");
    command->footer(
        "Examples:\n"
        "  lens status runs/mtvqa --watch\n"
        "  lens status runs/mtvqa --json | jq .eta_seconds\n\n"
        "States: running, merging, complete, interrupted, failed.");
    return command;
  }
  int run(const std::string& /*line*/, std::ostream& out) const override {
    return status_command(run_directory_, options_, out);
  }

 private:
  std::string run_directory_;
  StatusOptions options_;
};

}  // namespace

std::unique_ptr<Command> make_status_command() {
  return std::make_unique<StatusCommand>();
}

}  // namespace lens::cli
