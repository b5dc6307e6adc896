#include "cli/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

namespace lens::cli {
namespace {

constexpr int kLongestBar = 30;
constexpr int kShortestBar = 5;

std::string speed_text(const RunStatus& status) {
  if (status.samples_per_second <= 0) return "";
  return fmt::format("{:.2f} samples/s", status.samples_per_second);
}

std::string left_text(const RunStatus& status) {
  if (!status.eta_seconds) return "";
  return duration_text(*status.eta_seconds) + " left";
}

}  // namespace

std::string progress_bar(const RunStatus& status, int width) {
  const std::int64_t total = status.total();
  const std::int64_t done = status.done();
  const double share =
      total == 0 ? 1.0 : static_cast<double>(done) / static_cast<double>(total);
  std::string text =
      fmt::format(" {}/{} {:5.1f} %", done, total, 100.0 * share);
  for (const std::string& item : {speed_text(status), left_text(status)})
    if (!item.empty()) text += "  " + item;
  if (status.failed() > 0) text += fmt::format("  {} failed", status.failed());
  if (status.state != RunState::kRunning)
    text += fmt::format("  {}", coordinator::run_state_name(status.state));
  else if (status.draining)
    text += "  stopping";

  const int room = width - 2 - static_cast<int>(text.size());
  const int length = std::clamp(room, kShortestBar, kLongestBar);
  const int filled = static_cast<int>(share * length);
  std::string bar =
      fmt::format("[{:#<{}}{:-<{}}]{}", "", filled, "", length - filled, text);
  if (static_cast<int>(bar.size()) > width)
    bar.resize(static_cast<std::size_t>(std::max(0, width)));
  return bar;
}

std::string progress_line(const RunStatus& status) {
  std::string datasets;
  for (const RunStatus::Dataset& dataset : status.datasets)
    datasets += fmt::format("{}{} {}/{}", datasets.empty() ? "" : ", ",
                            dataset.name, dataset.done, dataset.total);
  std::string line =
      fmt::format("{}: {}/{} samples ({}), {} failed",
                  coordinator::run_state_name(status.state), status.done(),
                  status.total(), datasets, status.failed());
  for (const std::string& item : {speed_text(status), left_text(status)})
    if (!item.empty()) line += ", " + item;
  const std::size_t workers = status.workers.size();
  line += fmt::format(", {} worker{}", workers, workers == 1 ? "" : "s");
  if (status.tensor_parallel > 1)
    line += fmt::format(" of {} ranks", status.tensor_parallel);
  if (status.draining) line += ", stopping";
  return line;
}

ProgressPrinter::ProgressPrinter(std::ostream& out, Options options)
    : out_(out), options_(std::move(options)) {}

ProgressPrinter::~ProgressPrinter() { end_bar(); }

void ProgressPrinter::update(const RunStatus& status) {
  if (options_.terminal) {
    clear_bar();
    // One column is left free: a full line would wrap on some terminals.
    out_ << progress_bar(status, options_.width() - 1) << std::flush;
    bar_drawn_ = true;
    return;
  }
  const Clock::time_point now = options_.now();
  if (line_printed_ && now - last_line_ < options_.line_interval) return;
  out_ << progress_line(status) << '\n' << std::flush;
  line_printed_ = true;
  last_line_ = now;
}

void ProgressPrinter::finish(const RunStatus& status) {
  line_printed_ = false;
  update(status);
  end_bar();
}

void ProgressPrinter::note(const std::string& line) {
  if (bar_drawn_) clear_bar();
  bar_drawn_ = false;
  out_ << line << '\n' << std::flush;
}

void ProgressPrinter::end_bar() {
  if (!bar_drawn_) return;
  bar_drawn_ = false;
  if (!options_.passing) {
    out_ << '\n' << std::flush;
    return;
  }
  clear_bar();
  out_ << std::flush;
}

void ProgressPrinter::clear_bar() { out_ << "\r\x1b[K"; }

int terminal_width() {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    return size.ws_col;
  return 80;
}

}  // namespace lens::cli
