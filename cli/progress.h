#pragma once

#include <chrono>
#include <functional>
#include <ostream>
#include <string>

#include "cli/run_status.h"

namespace lens::cli {

// "[#####-----] 120/300  40.0 %  3.20 samples/s  56 s left  2 failed", cut to
// `width` columns: the bar shrinks first, then the end is dropped.
std::string progress_bar(const RunStatus& status, int width);

// "running: 120/300 samples (mtvqa 100/200, latex_ocr 20/100), 2 failed, 3.20
// samples/s, 56 s left, 2 workers": for logs.
std::string progress_line(const RunStatus& status);

// Shows how a run goes: on a terminal one line, redrawn; elsewhere a plain line
// every 10 s and at the end.
class ProgressPrinter {
 public:
  using Clock = std::chrono::steady_clock;
  struct Options {
    bool terminal = false;
    bool passing = false;  // on a terminal the line goes in the end
    std::function<int()> width = [] { return 80; };  // asked at each redraw
    std::function<Clock::time_point()> now = [] { return Clock::now(); };
    std::chrono::milliseconds line_interval{10'000};
  };

  // `out` must outlive the printer.
  ProgressPrinter(std::ostream& out, Options options);
  // Ends the redrawn line, so that what follows starts on a fresh one.
  ~ProgressPrinter();

  void update(const RunStatus& status);
  // The last state, printed whatever the time.
  void finish(const RunStatus& status);
  // A line of its own, the bar is drawn again at the next update.
  void note(const std::string& line);

 private:
  void clear_bar();
  void end_bar();

  std::ostream& out_;
  Options options_;
  bool bar_drawn_ = false;
  bool line_printed_ = false;
  Clock::time_point last_line_;
};

// Width of the terminal behind stderr; 80 where there is none.
int terminal_width();

}  // namespace lens::cli
