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

}  // namespace lens::cli
