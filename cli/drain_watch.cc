#include "cli/drain_watch.h"

#include <fmt/format.h>

#include <utility>

namespace lens::cli {
namespace {

// Differs whenever anything has gone on.
std::string mark_of(const RunStatus& status) {
  std::string mark = fmt::format("{} {} {}", status.done(),
                                 status.units_committed, status.units_leased);
  for (const RunStatus::Worker& worker : status.workers)
    mark += fmt::format(" {}:{}", worker.id, worker.samples_done);
  return mark;
}

std::string text(std::chrono::milliseconds time) {
  return duration_text(std::chrono::duration<double>(time).count());
}

}  // namespace

void DrainWatch::begin(Clock::time_point now) {
  if (begun_) return;
  begun_ = true;
  answer_ = now;
  change_ = now;
}

void DrainWatch::answered(const RunStatus& status, Clock::time_point now) {
  answer_ = now;
  std::string mark = mark_of(status);
  if (mark == mark_) return;
  mark_ = std::move(mark);
  change_ = now;
}

std::string DrainWatch::standstill(Clock::time_point now) const {
  if (!begun_) return "";
  if (now - answer_ >= limits_.silent)
    return "the coordinator has not answered for " + text(limits_.silent);
  if (now - change_ >= limits_.still)
    return "nothing has come of the stop for " + text(limits_.still);
  return "";
}

}  // namespace lens::cli
