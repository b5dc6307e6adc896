#include "cli/show_command.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <sstream>

#include "analysis/view/layer_list.h"
#include "analysis/view/sample_map.h"
#include "cli/exit_code.h"
#include "cli/usage_error.h"
#include "storage/error.h"
#include "storage/guard.h"
#include "worker/error.h"

namespace lens::cli {
namespace {

constexpr int kWidthOfFiles = 100;  // where there is no terminal
constexpr int kLeastWidth = 40;

int terminal_width() {
  winsize size = {};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    return size.ws_col;
  return kWidthOfFiles;
}

// https://no-color.org: set and not empty.
bool wants_colour(const ShowOptions& options) {
  const char* no_color = std::getenv("NO_COLOR");
  const bool forbidden = no_color != nullptr && *no_color != '\0';
  return !options.no_color && !forbidden && isatty(STDOUT_FILENO);
}

analysis::figures::HeatMap::Scale scale_named(const std::string& name) {
  if (name == "entropy") return analysis::figures::HeatMap::Scale::kEntropy;
  if (name == "probability")
    return analysis::figures::HeatMap::Scale::kProbability;
  throw UsageError("unknown --value " + name + "; give entropy or probability");
}

std::string drawn(const ShowOptions& options,
                  analysis::view::SampleMapOptions map) {
  const analysis::Source source =
      analysis::open_source(options.source, analysis::SealCheck::kNone);
  map.layers = analysis::view::parse_layers(
      options.layers, static_cast<int>(source.results.layers()));
  const analysis::view::SampleView view =
      analysis::view::find_sample(source, options.sample, options.dataset);
  return analysis::view::sample_map(view, source.vocabulary.token_text, map);
}

// The checksum is not looked at, for it takes a pass over the whole file, and
// damaged structure can crash HDF5 or make it claim all memory: a child draws.
// The first character of each line it sends says what the line is.
constexpr char kText = ' ', kUsage = 'u', kInput = 'i', kStorage = 's';

void send_drawing(const ShowOptions& options,
                  const analysis::view::SampleMapOptions& map,
                  const storage::GuardSend& send) {
  try {
    std::istringstream lines(drawn(options, map));
    for (std::string line; std::getline(lines, line);) send(kText + line);
  } catch (const UsageError& error) {
    send(kUsage + std::string(error.what()));
  } catch (const InputError& error) {
    send(kInput + std::string(error.what()));
  } catch (const storage::StorageError& error) {
    send(kStorage + std::string(error.what()));
  }
}

std::string drawn_by_a_child(const ShowOptions& options,
                             const analysis::view::SampleMapOptions& map) {
  const storage::GuardOutcome outcome =
      storage::run_guarded([&](const storage::GuardSend& send) {
        send_drawing(options, map, send);
      });
  if (!outcome.failure.empty())
    throw storage::StorageError("cannot read " + options.source.string() +
                                " (it is damaged: " + outcome.failure +
                                "); lens verify says more");
  std::string text;
  for (const std::string& line : outcome.lines) {
    const std::string rest = line.substr(1);
    if (line.front() == kUsage) throw UsageError(rest);
    if (line.front() == kInput) throw InputError(rest);
    if (line.front() == kStorage) throw storage::StorageError(rest);
    text += rest + '\n';
  }
  return text;
}

}  // namespace

int show_command(const ShowOptions& options, std::ostream& out) {
  const analysis::view::SampleMapOptions map = {
      .value = scale_named(options.value),
      .layers = {},
      .colour = wants_colour(options),
      .width = std::max(kLeastWidth,
                        options.width > 0 ? options.width : terminal_width())};
  out << drawn_by_a_child(options, map);
  return kExitOk;
}

}  // namespace lens::cli
