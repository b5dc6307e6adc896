#include "cli/show_command.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "analysis/view/layer_list.h"
#include "analysis/view/sample_map.h"
#include "base/exit_code.h"
#include "cli/usage_error.h"

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

}  // namespace

int show_command(const ShowOptions& options, std::ostream& out) {
  analysis::view::SampleMapOptions map = {
      .value = scale_named(options.value),
      .layers = {},
      .colour = wants_colour(options),
      .width = std::max(kLeastWidth,
                        options.width > 0 ? options.width : terminal_width())};
  // The checksum takes a pass over the whole file, and one sample is read.
  const analysis::Source source =
      analysis::open_source(options.source, analysis::SealCheck::kNone);
  map.layers = analysis::view::parse_layers(
      options.layers, static_cast<int>(source.results.layers()));
  const analysis::view::SampleView view =
      analysis::view::find_sample(source, options.sample, options.dataset);
  out << analysis::view::sample_map(view, source.vocabulary.token_text, map);
  return kExitOk;
}

}  // namespace lens::cli
