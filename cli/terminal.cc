#include "cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace lens::cli {
namespace {

constexpr int kWidthOfFiles = 100;
constexpr int kLeastWidth = 40;

}  // namespace

int output_width() {
  winsize size = {};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    return std::max<int>(kLeastWidth, size.ws_col);
  return kWidthOfFiles;
}

bool wants_colour(bool forbidden) {
  const char* no_color = std::getenv("NO_COLOR");
  const bool refused = no_color != nullptr && *no_color != '\0';
  return !forbidden && !refused && isatty(STDOUT_FILENO) != 0;
}

}  // namespace lens::cli
